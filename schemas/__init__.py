"""The messages on the wire: pydantic models, and derived from them hot decoders, JSON Schema, Avro and docs.

Produce at the edge with the pydantic classes (``schemas.workout.WorkoutCompleted.of(...)``, checked when built), in
agents with the structs of ``schemas.hot`` (typed, not checked again); read with ``schemas.decode``; docs/schemas.md
says how to change them.
"""
