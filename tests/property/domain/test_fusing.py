"""Fusing loses no channel, gives each value of the best that has one, whatever the order; verification finds the same.

Values say where they are from: 1000 for each recording, and the second of the sample.
"""

from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.fusing import COLUMNS, Priorities, Recording, fuse
from domain.summary import Stated
from domain.track import CHANNELS, Track, track_from_columns
from domain.workouts import Completion
from verification.fusing import fused

S = 1_000_000
KINDS = ("device:watch", "device:phone", "file:fit")
PRIORITIES: list[Priorities] = [
    {},
    {
        "heart_rate": ("file:*", "device:phone"),
        "position": ("*phone",),
        "power": ("b",),
        "distance": ("b",),
        "altitude": ("file:*", "a"),
    },
]
SUMMED_UP = ("distance", "altitude")


@st.composite
def tracks(draw: st.DrawFn, number: int) -> Track:
    seconds = sorted(draw(st.sets(st.integers(0, 50), max_size=16)))
    known = st.lists(st.booleans(), min_size=len(seconds), max_size=len(seconds))
    names = draw(st.sets(st.sampled_from(CHANNELS)))
    values = np.array(seconds, dtype=np.float64) + 1000 * number
    columns = {name: np.where(np.array(draw(known), dtype=np.bool_), values, np.nan) for name in sorted(names)}
    return track_from_columns(np.array(seconds, dtype=np.int64) * S, **columns)


@st.composite
def activities(draw: st.DrawFn) -> list[Recording]:
    """Recordings w0, w1 and so on, the canonical one first."""
    kinds = draw(st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from("ab")), min_size=2, max_size=4))
    return [Recording(f"w{i}", *kind, draw(tracks(i))) for i, kind in enumerate(kinds)]


class Offered:
    """What each recording has of a channel at each time point, by looking at every value."""

    def __init__(self, recordings: list[Recording], channel: str, priorities: Priorities) -> None:
        self.recordings, self.patterns = recordings, priorities.get(channel, ())
        self.known = [known_seconds(one.track, channel) for one in recordings]
        self.pacer = next((i for i, one in enumerate(recordings) if len(one.track)), 0)
        self.seconds = [int(us) // S for us in recordings[self.pacer].track.time_us]
        self.there = [
            {i: at for i, own in enumerate(self.known) if (at := near(own, s)) is not None} for s in self.seconds
        ]
        self.points = [sum(i in there for there in self.there) for i in range(len(recordings))]

    def order(self, i: int) -> tuple[int, bool, int, int]:
        """The best recording sorts first."""
        one = self.recordings[i]
        fits = [fnmatchcase(one.source, p) or fnmatchcase(one.device_id or "", p) for p in self.patterns]
        return fits.index(True) if any(fits) else len(fits), i != 0, -self.points[i], i

    def expected(self, candidates: list[int]) -> list[float]:
        """The values of a channel that may come from some of the recordings."""
        found = []
        for second, there in zip(self.seconds, self.there, strict=True):
            having = [i for i in candidates if i in there]
            own_gap = having == [self.pacer] and second not in self.known[self.pacer]
            best = min(having, key=self.order, default=None)
            found.append(float("nan") if best is None or own_gap else 1000.0 * best + there[best])
        return found


def known_seconds(track: Track, channel: str) -> list[int]:
    complete = np.isfinite([getattr(track, name) for name in COLUMNS[channel]]).all(axis=0)
    return [int(us) // S for us in track.time_us[complete]]


def near(seconds: list[int], second: int) -> int | None:
    """The second that is nearest, the earlier of two, within 5 s."""
    return min((at for at in seconds if abs(at - second) <= 5), key=lambda at: (abs(at - second), at), default=None)


@given(activities(), st.sampled_from(PRIORITIES))
@settings(max_examples=200, deadline=None)
def test_each_value_is_of_the_best_recording_that_has_one_in_reach(
    recordings: list[Recording], priorities: Priorities
) -> None:
    whole, sources = fuse(recordings[0], recordings[1:], priorities)
    for channel in COLUMNS.keys() - set(SUMMED_UP):
        offered = Offered(recordings, channel, priorities)
        expected = offered.expected(list(range(len(recordings))))
        for name in COLUMNS[channel]:
            np.testing.assert_array_equal(getattr(whole, name), expected)
        gave = {int(value // 1000) for value in expected if np.isfinite(value)}
        said = [workout_id for its, workout_id in sources if its == channel]
        assert said == [f"w{i}" for i in sorted(gave, key=offered.order)]


@given(activities(), st.sampled_from(PRIORITIES))
@settings(max_examples=200, deadline=None)
def test_what_is_summed_up_by_its_changes_comes_from_the_best_of_the_fullest_recordings(
    recordings: list[Recording], priorities: Priorities
) -> None:
    whole, sources = fuse(recordings[0], recordings[1:], priorities)
    for channel in SUMMED_UP:
        offered = Offered(recordings, channel, priorities)
        full = [i for i, points in enumerate(offered.points) if points and points >= 0.9 * max(offered.points)]
        chosen = [min(full, key=offered.order)] if full else []
        np.testing.assert_array_equal(getattr(whole, COLUMNS[channel][0]), offered.expected(chosen))
        assert [workout_id for its, workout_id in sources if its == channel] == [f"w{i}" for i in chosen]


@given(activities(), st.sampled_from(PRIORITIES))
@settings(max_examples=100, deadline=None)
def test_no_channel_that_a_recording_has_in_reach_is_lost(recordings: list[Recording], priorities: Priorities) -> None:
    whole, sources = fuse(recordings[0], recordings[1:], priorities)
    for channel, names in COLUMNS.items():
        in_reach = any(Offered(recordings, channel, priorities).points)
        assert in_reach == bool(np.isfinite(getattr(whole, names[0])).any()) == (channel in dict(sources))


@given(activities(), st.sampled_from(PRIORITIES), st.randoms())
@settings(max_examples=200, deadline=None)
def test_fusing_does_not_depend_on_the_order_and_verification_finds_the_same(
    recordings: list[Recording], priorities: Priorities, random: Any
) -> None:
    whole, sources = fuse(recordings[0], recordings[1:], priorities)
    shuffled = recordings[1:]
    random.shuffle(shuffled)
    again, same_sources = fuse(recordings[0], shuffled, priorities)
    assert same_sources == sources
    known = {
        one.workout_id: Completion("e", 0, "UTC", "running", one.device_id, 0, 1, (), Stated(), source=one.source)
        for one in recordings
    }
    found, its_sources = fused(
        "w0", [one.workout_id for one in shuffled], known, {r.workout_id: r.track for r in recordings}, priorities
    )
    assert [(channel, id) for channel, ids in its_sources.items() for id in ids] == list(sources)
    for name in ("time_us", *CHANNELS):
        np.testing.assert_array_equal(getattr(whole, name), getattr(again, name))
        np.testing.assert_array_equal(getattr(whole, name), getattr(found, name))
