"""Faust as it is, in two modes: ``events`` (one event at a time) and ``take`` (its own batching).

Settings: uvloop, a quarter faster than asyncio's loop in trials; raw values, decoded by msgspec in the agent; ``take``
with large batches, decoded by one call each; no web server, no leader topic. Fetch sizes, records a poll and stream
buffers are the engine's: in trials they changed nothing. The wheels of faust-streaming have its Cython extensions
built in.
"""

import asyncio
import tempfile
from typing import Any

import faust
import msgspec
import uvloop

from bench.peers.tally import Event, Tally, task

TAKE = 5_000
WITHIN_S = 0.5


async def main() -> None:
    """Read the topic once."""
    job, mode = task("events", "take")
    tally = Tally(job.events)
    finished = asyncio.Event()
    decode = msgspec.json.Decoder(Event).decode
    decode_all = msgspec.json.Decoder(list[Event]).decode
    with tempfile.TemporaryDirectory() as datadir:
        app: Any = faust.App(
            job.group,
            broker=f"kafka://{job.bootstrap}",
            datadir=datadir,
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=4 << 20,
            broker_max_poll_records=20_000,
            stream_buffer_maxsize=20_000,
            stream_wait_empty=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
        )

        async def add(stream: Any) -> None:
            async for value in stream:
                tally.begin(1)
                tally.add((decode(value),))
                if tally.done(1):
                    finished.set()

        async def add_taken(stream: Any) -> None:
            async for values in stream.take(TAKE, within=WITHIN_S):
                tally.begin(len(values))
                tally.add(decode_all(b"[" + b",".join(values) + b"]"))
                if tally.done(len(values)):
                    finished.set()

        channel = app.topic(job.topic, value_type=bytes, value_serializer="raw")
        app.agent(channel)(add if mode == "events" else add_taken)
        app.finalize()
        async with app:
            await finished.wait()
    tally.report()


if __name__ == "__main__":
    uvloop.run(main())
