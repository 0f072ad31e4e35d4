"""Each kind of poison is refused for exactly the reason that it states."""

import numpy as np
import pytest

from domain.track import track_from_columns
from schemas import hot
from schemas.decode import BadRecord, decoder_for
from simulator.faults import _POISONS, poison
from stridelog import topics
from stridelog.devices import Session, completed, frames_of

SESSION = Session("ada", "00000000-0000-4000-8000-000000000001", "watch-1", "Europe/Oslo", "device:watch", "test")


def good() -> tuple[bytes, hot.WorkoutCompleted]:
    seconds = np.arange(60)
    beats = np.asarray(120 + seconds % 40, dtype=np.float64)
    track = track_from_columns(1_763_900_000_000_000 + seconds * 1_000_000, heart_rate_bpm=beats)
    start_us, end_us = int(track.time_us[0]), int(track.time_us[-1])
    frame = next(frames_of(track, SESSION)).value
    return frame, completed(SESSION, sport="running", start_us=start_us, end_us=end_us, track=track)


@pytest.mark.parametrize("reason", _POISONS)
def test_poison_of_a_kind_is_refused_for_that_reason(reason: str) -> None:
    frame, completion = good()
    kind, key, value = _POISONS[reason](frame, completion)  # type: ignore[index]
    decoder = decoder_for(topics.load(prefix="").topic_of_message(kind))
    if reason == "unknown_user":
        assert decoder.decode(key, value).user == "nobody-ever"
        return
    with pytest.raises(BadRecord) as refused:
        decoder.decode(key, value)
    assert refused.value.reason == reason


def test_every_kind_of_poison_comes_up() -> None:
    frame, completion = good()
    rng = np.random.default_rng(3)
    assert {poison(frame, completion, 0, rng).dead for _ in range(300)} == set(_POISONS)
