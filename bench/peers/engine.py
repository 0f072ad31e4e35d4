"""Stridelog's engine: Faust on ``faust-batches``, whose agents get whole fetches.

The agent decodes each record's JSON in full; one call of msgspec for a batch costs less than one a record. Settings:
the platform's own defaults for fetch size and records per batch (``stridelog/settings.py``), uvloop as ``stridelog
worker``.
"""

import asyncio
import tempfile
from typing import Any

import faust
import msgspec
import uvloop
from faust_batches import BatchSchema

from bench.peers.tally import Event, Tally, task


async def main() -> None:
    """Read the topic once."""
    job, _ = task()
    tally = Tally(job.events)
    finished = asyncio.Event()
    decode = msgspec.json.Decoder(list[Event]).decode
    with tempfile.TemporaryDirectory() as datadir:
        app: Any = faust.App(
            job.group,
            broker=f"batches://{job.bootstrap}",
            datadir=datadir,
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=4 << 20,
            broker_max_poll_records=20_000,
            stream_wait_empty=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
        )

        async def add(stream: Any) -> None:
            async for event in stream.noack().events():
                batch = event.value
                tally.begin(len(batch))
                tally.add(decode(b"[" + b",".join([record.value for record in batch.records]) + b"]"))
                batch.ack(event)
                if tally.done(len(batch)):
                    finished.set()

        app.agent(app.topic(job.topic, schema=BatchSchema()))(add)
        app.finalize()
        async with app:
            await finished.wait()
    tally.report()


if __name__ == "__main__":
    uvloop.run(main())
