"""Projections: what each agent keeps in each of its stores, and how one is built anew from the log (docs/sinks.md)."""
