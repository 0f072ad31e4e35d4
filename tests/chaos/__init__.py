"""Chaos: the whole platform under faults, on a stack of its own. ``python -m tests.chaos --help``."""
