"""Measures the speed of Manette, of its original design and of other libraries, for `script/benchmark.py`."""
