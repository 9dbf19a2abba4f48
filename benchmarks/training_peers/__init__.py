"""What benchmarks/training.py compares with; each file runs in an interpreter of its own."""
