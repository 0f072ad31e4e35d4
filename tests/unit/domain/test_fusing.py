"""Of several recordings of one activity each channel is the best one's, and none is lost."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.fusing import ChannelSource, Recording, fuse, priorities_from
from domain.track import NO_SAMPLES, Track, track_from_columns
from stridelog.errors import UserError
from stridelog.fusing_file import DEFAULT_PATH, load

S = 1_000_000


def track(seconds: list[float], **channels: Any) -> Track:
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
    far = recording("o", "meter", track([25.001], power_w=[220]))
    assert np.isnan(fuse(WATCH, [far], {})[0].power_w).all()


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
