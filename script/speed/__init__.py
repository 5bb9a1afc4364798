"""What `script/benchmark.py` measures with, and what it measures Manette against."""
