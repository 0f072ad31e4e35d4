"""Bytewax: a dataflow of one worker.

Settings: ``flat_map_batch``, which gets whole batches, so that msgspec decodes one in one call as the engine's agent
does; batches of 10,000 in place of 1,000 (its documentation: the size is for throughput against latency); the sums are
a dict: a keyed, stateful step would move each event once more. librdkafka's larger fetches and queues changed nothing
in trials.
"""

from typing import Any

import bytewax.operators as op
import msgspec
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, run_main

from bench.peers.tally import Event, Tally, task

BATCH = 10_000


def main() -> None:
    """Read the topic once."""
    job, _ = task()
    tally = Tally(job.events)
    decode = msgspec.json.Decoder(list[Event]).decode

    def add(messages: list[Any]) -> list[None]:
        if messages:
            tally.begin(len(messages))
            tally.add(decode(b"[" + b",".join([message.value for message in messages]) + b"]"))
            tally.done(len(messages))
        return []

    flow = Dataflow("bench")
    source = KafkaSource([job.bootstrap], [job.topic], tail=False, batch_size=BATCH)
    events = op.input("events", flow, source)
    op.output("nothing", op.flat_map_batch("add", events, add), TestingSink([]))
    run_main(flow)
    tally.report()


if __name__ == "__main__":
    main()
