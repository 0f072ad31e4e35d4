"""Fusing loses no channel, does not depend on order, and is what verification finds by its own way."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.fusing import COLUMNS, Recording, fuse
from domain.summary import Stated
from domain.track import CHANNELS, Track, track_from_columns
from domain.workouts import Completion
from verification.fusing import fused

S = 1_000_000
KINDS = ("device:watch", "device:phone", "file:fit")
PRIORITIES: list[Any] = [{}, {"heart_rate": ("file:*", "device:phone"), "position": ("*phone",), "power": ("b",)}]


@st.composite
def tracks(draw: st.DrawFn) -> Track:
    seconds = sorted(draw(st.sets(st.integers(0, 60), max_size=8)))
    values = st.one_of(st.just(float("nan")), st.integers(1, 9).map(float))
    column = st.lists(values, min_size=len(seconds), max_size=len(seconds))
    names = draw(st.sets(st.sampled_from(CHANNELS)))
    columns = {name: np.array(draw(column), dtype=np.float64) for name in sorted(names)}
    return track_from_columns(np.array(seconds, dtype=np.int64) * S, **columns)


activities = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from("ab"), tracks()), min_size=2, max_size=4)


@given(activities, st.sampled_from(PRIORITIES), st.randoms())
@settings(max_examples=200, deadline=None)
def test_fusing_loses_nothing_whatever_the_order_and_verification_finds_the_same(
    activity: list[tuple[str, str, Track]], priorities: Any, random: Any
) -> None:
    recordings = [Recording(f"w{i}", kind, device, track) for i, (kind, device, track) in enumerate(activity)]
    whole, sources = fuse(recordings[0], recordings[1:], priorities)
    shuffled = recordings[1:]
    random.shuffle(shuffled)
    again, same_sources = fuse(recordings[0], shuffled, priorities)
    assert same_sources == sources
    for channel, names in COLUMNS.items():
        recorded = any(np.isfinite([getattr(one.track, n) for n in names]).all(axis=0).any() for one in recordings)
        assert recorded == (channel in dict(sources))
    known = {
        one.workout_id: Completion("e", 0, "UTC", "running", one.device_id, 0, 1, (), Stated(), source=one.source)
        for one in recordings
    }
    found, its_sources = fused(
        "w0", [one.workout_id for one in shuffled], known, {r.workout_id: r.track for r in recordings}, priorities
    )
    assert its_sources == dict(sources)
    for name in ("time_us", *CHANNELS):
        np.testing.assert_array_equal(getattr(whole, name), getattr(again, name))
        np.testing.assert_array_equal(getattr(whole, name), getattr(found, name))
