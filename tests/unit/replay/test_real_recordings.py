"""The real recordings: each is sent as messages that agents accept, or refused by name with a reason."""

import asyncio
import os
from pathlib import Path

import pytest

from schemas import hot
from schemas.decode import Decoder, decoder_for, encode
from schemas.envelope import Message
from stridelog import topics
from stridelog.pace import AsFastAsPossible
from stridelog.replay import MESSAGE_TYPES, find_files, replay

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path(os.environ.get("STRIDELOG_TEST_DATA", ROOT.parent / "shared" / "data")) / "activities"


class Reader:
    """An outlet that reads each record as an agent does, and keeps only what it needs of it."""

    def __init__(self) -> None:
        known = topics.load(prefix="")
        self.decoders: dict[str, Decoder] = {kind: decoder_for(known.topic_of_message(kind)) for kind in MESSAGE_TYPES}
        self.samples: dict[str | None, int] = {}
        self.promised: dict[str | None, int | None] = {}

    async def send(self, message: hot.Message | Message) -> None:
        await self.send_encoded(message.type, message.user.encode(), encode(message))

    async def send_encoded(self, message_type: str, key: bytes, value: bytes) -> None:
        message = self.decoders[message_type].decode(key, value)
        if isinstance(message, hot.SensorFrame):
            self.samples[message.workout_id] = self.samples.get(message.workout_id, 0) + message.n
        elif isinstance(message, hot.WorkoutCompleted):
            self.promised[message.data.workout_id] = message.data.samples

    async def flush(self) -> None:
        """Nothing waits."""


@pytest.mark.slow
@pytest.mark.skipif(not FOLDER.is_dir(), reason="no real recordings: set STRIDELOG_TEST_DATA to their folder")
def test_every_real_recording_is_sent_whole_or_refused_with_a_reason() -> None:
    files = find_files([FOLDER])
    log = Reader()
    results = asyncio.run(
        replay(
            files,
            user="you",
            zone="UTC",
            producer=log,
            pace=AsFastAsPossible(),
            on_frame=lambda path, share: None,
            on_file=lambda result: None,
        )
    )
    assert len(results) == len(files)
    refused = {result.path.name: result.reason for result in results if not result.ok}
    assert all(refused.values())
    assert len(refused) <= 2, refused
    sent = {workout.workout_id for result in results for workout in result.workouts}
    assert log.promised.keys() == sent
    for workout_id, promised in log.promised.items():
        assert log.samples.get(workout_id, 0) == promised, workout_id
