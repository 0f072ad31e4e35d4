"""aiokafka alone: fetches, and does nothing with the records. The floor under whatever is built on aiokafka.

Settings: fetches as large as the engine's, 5,000 records a call, uvloop, no commits.
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
            fetched = await consumer.getmany(timeout_ms=1_000, max_records=5_000)
            count = sum(map(len, fetched.values()))
            if count:
                tally.begin(count)
                if tally.done(count):
                    break
    tally.report()


if __name__ == "__main__":
    uvloop.run(main(task()[0]))
