"""Passes of segments on tracks as receivers make them: simulated noise, and real rides."""

import os
from pathlib import Path

import numpy as np
import pytest

from domain.segment_index import SegmentIndex, cells_of
from domain.segments import match, segment_of
from recordings import read_recording
from tests.roads import STREET, S, noisy

RIDES = Path(os.environ.get("STRIDELOG_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
SWEATPY = RIDES / "activities" / "sweatpy_mit"


@pytest.mark.parametrize(
    ("what", "speed_m_s", "smart", "waits", "bound_s"),
    [
        ("running, 3.5 m/s, every second", 3.5, False, False, 8.0),
        ("running, 3.5 m/s, smart recording", 3.5, True, False, 8.0),
        ("cycling, 9 m/s, every second", 9.0, False, False, 4.0),
        ("cycling, 9 m/s, smart recording", 9.0, True, False, 4.0),
        ("walking, 1.4 m/s, every second", 1.4, False, False, 20.0),
        ("running after 30 s of waiting 3 m behind the start", 3.5, False, True, 60.0),
    ],
)
def test_elapsed_time_on_noisy_tracks(what: str, speed_m_s: float, smart: bool, waits: bool, bound_s: float) -> None:
    errors: list[float] = []
    for seed in range(200):
        line, track, true_s = noisy(seed, speed_m_s, smart=smart, waits=waits)
        errors += [effort.elapsed_s - true_s for effort in match(*track, line)]
    size = np.abs(errors)
    print(f"\n{what}: {len(errors)} of 200 found, mean error {size.mean():.2f} s, worst {size.max():.2f} s, ", end="")
    print(f"bias {np.mean(errors):+.2f} s")
    assert 195 <= len(errors) <= 200
    assert size.max() < bound_s


real_rides = pytest.mark.skipif(not SWEATPY.is_dir(), reason=f"no real recordings in {RIDES}: set STRIDELOG_TEST_DATA")


@real_rides
@pytest.mark.parametrize(
    ("fit", "others"),
    [
        (
            "sweat_examples_data_4801048867.fit",
            [
                "sweat_examples_data_4801048867_strava.gpx.gz",
                "sweat_examples_data_activity_4801048867.gpx.gz",
                "sweat_examples_data_activity_4801048867.tcx.gz",
            ],
        ),
        (
            "sweat_examples_data_4078723797.fit",
            ["sweat_examples_data_4078723797_strava.gpx.gz", "sweat_examples_data_activity_4078723797.gpx.gz"],
        ),
    ],
)
def test_stretches_of_a_real_ride_are_found_in_every_file_of_it(fit: str, others: list[str]) -> None:
    track, *copies = [read_recording(SWEATPY / name)[0].track for name in (fit, *others)]
    for first in range(50, len(track) - 350, 700):
        last = first + 299
        rows = slice(first, last + 1)
        line = segment_of(
            "s", "Stretch", "cycling", track.latitude_deg[rows].tolist(), track.longitude_deg[rows].tolist()
        )
        for copy in (track, *copies):
            (effort,) = match(copy.time_us, copy.latitude_deg, copy.longitude_deg, line)
            assert effort.start_us == pytest.approx(int(track.time_us[first]), abs=S)
            assert effort.elapsed_s == pytest.approx(299.0, abs=1.0)


@real_rides
def test_a_segment_in_another_town_is_rejected() -> None:
    track = read_recording(SWEATPY / "sweat_examples_data_4801048867.fit")[0].track
    assert match(track.time_us, track.latitude_deg, track.longitude_deg, STREET) == []
    assert SegmentIndex([STREET]).candidates(cells_of(track.latitude_deg, track.longitude_deg), "running") == []
