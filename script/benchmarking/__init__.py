"""The measurements of `script/benchmark.py`, of Manette and of what it is compared with."""
