"""What benchmarks/crossbar.py compares with."""
