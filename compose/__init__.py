"""The local stack: Kafka, ClickHouse, MongoDB, Redis, PostgreSQL and S3 as plain processes, or by Docker Compose.

`python -m compose up` starts it; docs/stack.md is the manual.
"""
