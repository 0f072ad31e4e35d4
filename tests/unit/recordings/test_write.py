"""What is written is read again; FIT is written by an encoder that is not ours."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from domain.track import CHANNELS, Track
from recordings import read_recording
from recordings.write import Written, write_recording
from stridelog.errors import UserError

MakeTrack = Callable[..., Track]

# The grids of the formats: half a unit of the last digit that is written.
TOLERANCE = {
    "latitude_deg": 1e-7,
    "longitude_deg": 1e-7,
    "altitude_m": 0.11,
    "distance_m": 0.006,
    "speed_m_s": 0.0006,
}


@pytest.mark.parametrize("suffix", [".fit", ".gpx", ".tcx"])
def test_a_written_track_is_read_again(tmp_path: Path, make_track: MakeTrack, suffix: str) -> None:
    track = make_track(120)
    path = tmp_path / f"run{suffix}"
    write_recording(path, Written(track, "running"))
    (recording,) = read_recording(path)
    assert recording.format == suffix[1:]
    assert recording.sport == "running"
    assert recording.warnings == ()
    assert np.array_equal(recording.track.time_us, track.time_us)
    assert (recording.start_us, recording.end_us) == (track.time_us[0], track.time_us[-1])
    lost = {".fit": set(), ".gpx": {"distance_m"}, ".tcx": {"temperature_c"}}[suffix]
    for name in CHANNELS:
        column = getattr(recording.track, name)
        if name in lost:
            assert np.all(np.isnan(column)), name
        else:
            assert np.allclose(column, getattr(track, name), rtol=0, atol=TOLERANCE.get(name, 0.0)), name
    if suffix != ".gpx":
        assert recording.stated.distance_m == pytest.approx(119 * 3.5)
        assert recording.stated.timer_time_s == 119.0


@pytest.mark.parametrize("suffix", [".fit", ".gpx", ".tcx"])
def test_pauses_are_read_again(tmp_path: Path, make_track: MakeTrack, suffix: str) -> None:
    track = make_track(100)
    second = [int(time_us) for time_us in track.time_us]
    pauses = ((second[20], second[40]), (second[60], second[90]))
    kept = np.ones(100, dtype=bool)
    for begin, end in pauses:
        kept &= ~((track.time_us > begin) & (track.time_us < end))
    moving = Track(track.time_us[kept], *(getattr(track, name)[kept] for name in CHANNELS))
    path = tmp_path / f"run{suffix}"
    write_recording(path, Written(moving, "running", pauses=pauses))
    (recording,) = read_recording(path)
    assert recording.pauses == pauses


def test_a_fit_keeps_zone_heart_beats_and_the_finer_sport(tmp_path: Path, make_track: MakeTrack) -> None:
    path = tmp_path / "ride.fit"
    nowhere = np.full(30, np.nan)
    track = replace(make_track(30), latitude_deg=nowhere, longitude_deg=nowhere)
    write_recording(path, Written(track, "mountain_biking", offset_s=-12_600, rr_ms=(800.0, 812.0, 790.0)))
    (recording,) = read_recording(path)
    assert recording.sport == "mountain_biking"
    assert recording.zone == "-03:30"
    assert recording.rr_ms.tolist() == [800.0, 812.0, 790.0]
    assert set(recording.rr_time_us.tolist()) <= set(track.time_us.tolist())
    assert recording.device.manufacturer == "development"


@pytest.mark.parametrize(
    "sport", ["trail_running", "ebike", "swimming", "rowing", "cross_country_skiing", "strength", "football", "hiking"]
)
def test_fit_and_gpx_know_our_sports(tmp_path: Path, make_track: MakeTrack, sport: str) -> None:
    for suffix in (".fit", ".gpx"):
        path = tmp_path / f"workout{suffix}"
        write_recording(path, Written(make_track(3), sport))
        assert read_recording(path)[0].sport == sport, suffix


def test_what_a_device_did_not_record_is_not_written(tmp_path: Path, make_track: MakeTrack) -> None:
    track = make_track(10)
    nothing = np.full(10, np.nan)
    indoors = replace(track, latitude_deg=nothing, longitude_deg=nothing, distance_m=nothing, altitude_m=nothing)
    for suffix in (".fit", ".tcx"):
        path = tmp_path / f"indoor{suffix}"
        write_recording(path, Written(indoors, "cycling"))
        (recording,) = read_recording(path)
        assert np.all(np.isnan(recording.track.latitude_deg))
        assert recording.track.heart_rate_bpm.tolist() == track.heart_rate_bpm.tolist()
        assert recording.stated.distance_m is None
    with pytest.raises(UserError, match="GPX needs positions"):
        write_recording(tmp_path / "indoor.gpx", Written(indoors, "cycling"))


def test_another_suffix_is_refused(tmp_path: Path, make_track: MakeTrack) -> None:
    with pytest.raises(UserError, match=r"cannot write '\.csv' files"):
        write_recording(tmp_path / "a.csv", Written(make_track(3), "running"))
