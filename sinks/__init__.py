"""Where batches go: one small contract (base), one module a store."""
