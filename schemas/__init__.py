"""The messages on the wire: pydantic models are the source, hot decoders, JSON Schema, Avro and docs are derived from them.

Produce at the edge with the pydantic classes (``schemas.workout.WorkoutCompleted.of(...)``, checked when built), in agents
with the structs of ``schemas.hot`` (typed, not checked again); read with ``schemas.decode``. See docs/schemas.md.
"""
