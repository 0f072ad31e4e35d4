"""A ClickHouse HTTP server over the chDB engine, so that several processes can share one local data folder.

It speaks what ClickHouse's HTTP clients send: the statement in `query=` or in the body, data after it, `database`,
settings and `param_*` in the address, compressed bodies, sessions, and errors with ClickHouse's codes.
"""
