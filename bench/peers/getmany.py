"""aiokafka alone: fetches, and does nothing with the records. The floor under whatever is built on aiokafka.

Settings: as the engine's (fetch sizes, records per call), uvloop, no group commit.
"""

import uvloop
from aiokafka import AIOKafkaConsumer

from bench.peers.tally import Tally, Task, task


async def main(job: Task) -> None:
    """Read the topic once."""
    tally = Tally(job.events)
    async with AIOKafkaConsumer(
        job.topic,
        bootstrap_servers=job.bootstrap,
        group_id=job.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 << 20,
    ) as consumer:
        while True:
            fetched = await consumer.getmany(timeout_ms=1_000, max_records=20_000)
            if fetched:
                tally.begin()
                if tally.done(sum(map(len, fetched.values()))):
                    break
    tally.report()


if __name__ == "__main__":
    uvloop.run(main(task()[0]))
