"""What `script/benchmark.py` measures, and what it compares Manette with."""
