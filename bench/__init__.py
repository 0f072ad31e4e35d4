"""Benchmarks: what Stridelog promises in figures, measured on a stack that runs."""
