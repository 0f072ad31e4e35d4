"""Of several recordings of one activity each value is the best one's, and no channel is lost."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.fusing import ChannelSource, Recording, fuse, priorities_from
from domain.track import NO_SAMPLES, Track, track_from_columns
from stridelog.errors import UserError
from stridelog.fusing_file import DEFAULT_PATH, load

S = 1_000_000


def track(seconds: Sequence[float], **channels: Any) -> Track:
    columns = {name: np.array(values, dtype=np.float64) for name, values in channels.items()}
    return track_from_columns((np.array(seconds) * S).astype(np.int64), **columns)


def recording(workout_id: str, kind: str, of: Track) -> Recording:
    return Recording(workout_id, f"device:{kind}", f"{kind}-1", of)


WATCH = recording("w", "watch", track([0, 10, 20], heart_rate_bpm=[100, 110, 120], speed_m_s=[3, 3, 3]))
PHONE = recording(
    "p", "phone", track([2, 9, 21], latitude_deg=[1, 2, 3], longitude_deg=[5, np.nan, 7], heart_rate_bpm=[90, 91, 92])
)


def test_a_channel_that_only_the_other_recording_has_is_taken_from_it_at_the_nearest_time() -> None:
    fused, sources = fuse(WATCH, [PHONE], {})
    assert fused.time_us.tolist() == [0, 10 * S, 20 * S]
    assert fused.heart_rate_bpm.tolist() == [100, 110, 120]
    np.testing.assert_equal(fused.latitude_deg, [1, np.nan, 3])  # half a position is none; 8 s away is too far
    np.testing.assert_equal(fused.longitude_deg, [5, np.nan, 7])
    assert sources == (ChannelSource("heart_rate", "w"), ChannelSource("speed", "w"), ChannelSource("position", "p"))


def test_the_declared_priority_decides_before_which_recording_counts() -> None:
    fused, sources = fuse(WATCH, [PHONE], {"heart_rate": ("*strap*", "device:phone")})
    assert fused.heart_rate_bpm.tolist() == [90, 91, 92]
    assert ChannelSource("heart_rate", "p") in sources


def test_a_device_is_matched_by_its_name_too() -> None:
    _, sources = fuse(WATCH, [PHONE], {"heart_rate": ("phone-*",)})
    assert ChannelSource("heart_rate", "p") in sources


def test_of_two_values_as_near_the_earlier_is_taken_and_none_beyond_five_seconds() -> None:
    other = recording("o", "meter", track([5, 15, 25.001], power_w=[200, 210, 220]))
    fused, _ = fuse(WATCH, [other], {})
    assert fused.power_w.tolist() == [200, 200, 210]


def test_who_has_nothing_within_reach_of_the_time_points_gives_nothing_and_is_no_source() -> None:
    far = recording("o", "strap", track([25.001], power_w=[220], heart_rate_bpm=[150]))
    fused, sources = fuse(WATCH, [far], {"heart_rate": ("*strap*",)})
    assert np.isnan(fused.power_w).all()
    assert fused.heart_rate_bpm.tolist() == [100, 110, 120]
    assert {one.workout_id for one in sources} == {"w"}


def test_a_strap_that_was_worn_for_a_minute_replaces_a_minute_of_the_watch() -> None:
    seconds = list(range(3_600))
    watch = recording("w", "watch", track(seconds, heart_rate_bpm=[120.0] * 3_600))
    strap = recording("s", "strap", track(seconds[600:660], heart_rate_bpm=[150.0] * 60))
    fused, sources = fuse(watch, [strap], {"heart_rate": ("*strap*", "device:watch")})
    assert np.flatnonzero(fused.heart_rate_bpm == 150).tolist() == list(range(595, 665))
    assert np.count_nonzero(fused.heart_rate_bpm == 120) == 3_600 - 70
    assert sources == (ChannelSource("heart_rate", "s"), ChannelSource("heart_rate", "w"))


def test_two_sensors_do_not_take_turns_where_the_better_one_is_slower() -> None:
    watch = recording("w", "watch", track([0, 1, 2, 3, 4, 12], heart_rate_bpm=[100, *[np.nan] * 3, 104, np.nan]))
    phone = recording("p", "phone", track([0, 1, 2, 3, 4, 12], heart_rate_bpm=[90, 91, 92, 93, 94, 95]))
    fused, _ = fuse(watch, [phone], {})
    assert fused.heart_rate_bpm.tolist() == [100, 100, 100, 104, 104, 95]


def test_what_only_the_canonical_recording_has_keeps_its_gaps() -> None:
    watch = recording("w", "watch", track([0, 10, 20], heart_rate_bpm=[100, np.nan, 120], power_w=[200, np.nan, 210]))
    fused, _ = fuse(watch, [PHONE], {})
    assert fused.heart_rate_bpm.tolist() == [100, 91, 120]
    np.testing.assert_equal(fused.power_w, [200, np.nan, 210])


@pytest.mark.parametrize("channel", ["distance_m", "altitude_m"])
@pytest.mark.parametrize(("missing", "giver"), [(2, "computer"), (3, "watch")])
def test_a_counter_or_barometer_is_not_continued_by_another_one(channel: str, missing: int, giver: str) -> None:
    seconds = list(range(0, 200, 10))
    counters = {"watch": 1_000.0 + np.arange(20), "computer": np.arange(20.0)}
    watch = recording("watch", "watch", track(seconds, **{channel: counters["watch"]}))
    computer = recording("computer", "computer", track(seconds[missing:], **{channel: counters["computer"][missing:]}))
    priorities = {"distance": ("*computer",), "altitude": ("*computer",)}
    fused, sources = fuse(watch, [computer], priorities)
    first = missing if giver == "computer" else 0
    np.testing.assert_equal(getattr(fused, channel), [*[np.nan] * first, *counters[giver][first:]])
    assert [one.workout_id for one in sources] == [giver]


def test_the_canonical_recording_without_samples_takes_the_time_points_of_the_other() -> None:
    fused, _ = fuse(recording("w", "watch", NO_SAMPLES), [PHONE], {})
    assert fused.time_us.tolist() == PHONE.track.time_us.tolist()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("channels: {heart: [a]}", "no channel 'heart'; there are heart_rate"),
        ("channels: {power: meter}", "power has to be a list of patterns"),
        ("power: [a]", "one key, channels"),
    ],
)
def test_a_file_that_says_something_else_is_refused_by_name(tmp_path: Path, text: str, wrong: str) -> None:
    path = tmp_path / "fusing.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=f"fusing.yaml: .*{wrong}"):
        load(path)


def test_the_projects_own_file_is_read() -> None:
    assert load(DEFAULT_PATH)["heart_rate"][0] == "*strap*"
    assert priorities_from({"channels": {}}) == {}
