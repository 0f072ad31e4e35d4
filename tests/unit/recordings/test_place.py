"""The zone of a recording is that of the place where it began."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import tzfpy

from domain.days import local_day, zone_info
from domain.track import Track
from recordings import Recording, read_recording
from recordings.place import zone_of
from recordings.write import Written, write_recording

MakeTrack = Callable[..., Track]

TOKYO = (35.68, 139.77)
OSLO = (59.91, 10.75)


def gpx(folder: Path, *points: tuple[float, float, str], kind: str = "running") -> Recording:
    rows = "".join(f'<trkpt lat="{lat}" lon="{lon}"><time>{time}</time></trkpt>' for lat, lon, time in points)
    path = folder / "run.gpx"
    path.write_text(f'<gpx version="1.1"><trk><type>{kind}</type><trkseg>{rows}</trkseg></trk></gpx>')
    (recording,) = read_recording(path)
    return recording


def at(track: Track, *places: tuple[float, float]) -> Track:
    """The track with its first positions replaced and no others."""
    latitude, longitude = np.full((2, len(track)), np.nan)
    for row, (lat, lon) in enumerate(places):
        latitude[row], longitude[row] = lat, lon
    return replace(track, latitude_deg=latitude, longitude_deg=longitude)


def test_a_run_in_tokyo_with_times_in_utc_is_of_tokyos_day(tmp_path: Path) -> None:
    run = gpx(tmp_path, (*TOKYO, "2026-06-01T21:30:00Z"), (*TOKYO, "2026-06-01T22:10:00Z"))
    assert run.zone == "Asia/Tokyo"
    assert local_day(run.start_us, run.zone) == dt.date(2026, 6, 2)


def test_a_ride_through_the_end_of_summer_time_ends_by_the_winters_clock(tmp_path: Path) -> None:
    ride = gpx(tmp_path, (*OSLO, "2026-10-24T23:59:00+02:00"), (*OSLO, "2026-10-26T00:30:00+02:00"), kind="cycling")
    assert ride.zone == "Europe/Oslo"
    assert local_day(ride.start_us, ride.zone) == dt.date(2026, 10, 24)
    assert local_day(ride.end_us, ride.zone) == dt.date(2026, 10, 25)  # 23:30; by the offset at its start 00:30


@pytest.mark.parametrize("suffix", [".fit", ".gpx", ".tcx"])
def test_every_format_takes_the_place_and_not_the_offset_of_a_watch_that_nobody_set(
    tmp_path: Path, make_track: MakeTrack, suffix: str
) -> None:
    path = tmp_path / f"run{suffix}"
    write_recording(path, Written(at(make_track(5), TOKYO), "running", offset_s=7200))
    assert read_recording(path)[0].zone == "Asia/Tokyo"


def test_the_first_position_that_can_be_counts(tmp_path: Path) -> None:
    seconds = [f"2026-06-01T08:00:0{second}Z" for second in range(5)]
    places = [(0, 0), (95, 10), (50, 200), OSLO, TOKYO]
    assert gpx(tmp_path, *((*place, time) for place, time in zip(places, seconds, strict=True))).zone == "Europe/Oslo"


def test_half_a_position_is_none(make_track: MakeTrack) -> None:
    halves = [(59.91, np.nan), (np.nan, 10.75)]
    assert zone_of(at(make_track(5), *halves), "+01:00", kind=None) == "+01:00"
    assert zone_of(at(make_track(5), *halves, TOKYO), "+01:00", kind=None) == "Asia/Tokyo"


@pytest.mark.parametrize(("offset_s", "zone"), [(0, None), (7200, "+02:00"), (-12_600, "-03:30")])
def test_indoors_it_is_the_offset_that_a_fit_file_states_and_zero_states_none(
    tmp_path: Path, make_track: MakeTrack, offset_s: int, zone: str | None
) -> None:
    path = tmp_path / "indoors.fit"
    write_recording(path, Written(at(make_track(5)), "running", offset_s=offset_s))
    assert read_recording(path)[0].zone == zone


def test_a_place_in_a_game_is_none(tmp_path: Path, make_track: MakeTrack) -> None:
    volcano = (-11.64, 166.96)  # of Zwift's Watopia, in the Solomon Islands
    ride = gpx(tmp_path, (*volcano, "2026-06-01T21:30:00+02:00"), kind="VirtualRide")
    assert (ride.zone, ride.sport) == ("+02:00", "cycling")
    assert zone_of(at(make_track(2), volcano), None, kind="virtual_activity") is None


@pytest.mark.parametrize(
    ("latitude_deg", "longitude_deg", "zone"),
    [
        (-17.0, 179.9999, "Pacific/Fiji"),
        (66.0, 180.0, "Asia/Anadyr"),
        (66.0, -180.0, "Asia/Anadyr"),
        (-90.0, 0.0, "Antarctica/McMurdo"),
        (-90.0, -180.0, "Antarctica/McMurdo"),
        (90.0, 0.0, "Etc/GMT"),
        (90.0, 180.0, "Etc/GMT-12"),
        (40.0, -30.0, "Etc/GMT+2"),  # the Atlantic
        (54.5, 7.5, "Etc/GMT-1"),  # where two zones of the sea meet: one of them
        (43.8, 87.6, "Asia/Shanghai"),  # Ürümqi, where two zones are in use: the official one
    ],
)
def test_every_position_on_earth_has_a_zone(
    make_track: MakeTrack, latitude_deg: float, longitude_deg: float, zone: str
) -> None:
    assert zone_of(at(make_track(1), (latitude_deg, longitude_deg)), None, kind=None) == zone


def test_every_zone_that_a_position_can_have_is_known_to_the_database() -> None:
    zones = resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    assert set(tzfpy.timezonenames()) <= set(zones)
    for name in tzfpy.timezonenames():
        assert zone_info(name), name
