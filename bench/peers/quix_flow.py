"""Quix Streams: a streaming data frame in one process.

Settings: values as bytes, decoded by msgspec into a typed struct (its own JSON deserializer makes dicts); one function
that decodes and adds, as each further step is a call for each event; commits each 5 s, as by default. It has no way to
hand over batches. librdkafka's larger fetches and queues changed nothing in trials.
"""

import logging
import tempfile

import msgspec
from quixstreams import Application

from bench.peers.tally import Event, Tally, task


def main() -> None:
    """Read the topic once."""
    job, _ = task()
    tally = Tally(job.events)
    decode = msgspec.json.Decoder(Event).decode
    with tempfile.TemporaryDirectory() as state:
        app = Application(
            broker_address=job.bootstrap,
            consumer_group=job.group,
            auto_offset_reset="earliest",
            auto_create_topics=False,
            use_changelog_topics=False,
            state_dir=state,
            loglevel=logging.ERROR,
        )

        def add(value: bytes) -> None:
            tally.begin(1)
            tally.add((decode(value),))
            if tally.done(1):
                app.stop()

        frame = app.dataframe(app.topic(job.topic, key_deserializer="bytes", value_deserializer="bytes"))
        frame.update(add)
        app.run()
    tally.report()


if __name__ == "__main__":
    main()
