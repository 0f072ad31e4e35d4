"""Stridelog's runtime: the Faust app, batches, watermarks, topics, dead letters, metrics, settings, command line."""
