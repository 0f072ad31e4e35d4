"""A member of a consumer group in a process of its own: writes ``partition offset value`` for each record it acks."""

import sys
from pathlib import Path
from typing import Any

import faust
from faust_batches import BatchSchema

broker, topic, out = sys.argv[1:4]

app = faust.App(
    f"{topic}-app",
    broker=f"batches://{broker}",
    datadir=f"{out}.faust",
    consumer_auto_offset_reset="earliest",
    topic_allow_declare=False,
    topic_disable_leader=True,
    web_enabled=False,
    stream_wait_empty=False,
    broker_commit_interval=0.2,
    broker_session_timeout=6.0,
    broker_heartbeat_interval=1.0,
)


@app.agent(app.topic(topic, schema=BatchSchema()))
async def collect(stream: Any) -> None:
    with Path(out).open("a") as lines:
        async for event in stream.noack().events():
            for record in event.value.records:
                lines.write(f"{event.value.tp.partition} {record.offset} {record.value.decode()}\n")
            lines.flush()
            event.value.ack(event)


if __name__ == "__main__":
    sys.argv = sys.argv[:1]
    faust.Worker(app, loglevel="warn", quiet=True).execute_from_commandline()
