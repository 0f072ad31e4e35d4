"""All 62 real recordings: read or refused by name, and their totals those of the device."""

import datetime as dt
import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from domain.apart import together_apart
from domain.athlete import Athlete
from domain.days import zone_info
from domain.duplicates import Candidate, clusters
from domain.summary import Summary, summarise
from domain.track import CHANNELS
from recordings import Recording, RecordingError, read_recording
from recordings.spans import total_s

REPOSITORY = Path(__file__).parents[3]
pytestmark = pytest.mark.slow  # reading all of them takes about 20 s

Readings = dict[str, list[Recording] | RecordingError]

UNDATED = "no date: the device's clock was not set, its times count from when it was switched on"
REFUSED = {
    "tests_files_antfs-dump.63.fit": UNDATED,
    "tests_files_compressed-speed-distance.fit": UNDATED,
}
SEVERAL_LEGS = {
    "tests_files_activity-large-fenxi2-multisport.fit": [
        "other",
        "transition",
        "running",
        "transition",
        "running",
        "transition",
        "cycling",
    ],
    "tests_files_sample_mulitple_header.fit": ["swimming", "transition", "cycling", "transition", "running"],
    "examples_triathlon_summary_first.fit": ["swimming", "transition", "cycling", "transition", "running"],
    "examples_triathlon_summary_last.fit": ["swimming", "transition", "cycling", "transition", "running"],
}
WARNED = {
    "tests_files_activity-settings-corruptheader.fit": ["are no FIT file"],
    "tests_files_activity-settings-nodata.fit": ["truncated"],
    "tests_files_activity-unexpected-eof.fit": ["truncated"],
    "tests_files_nick.fit": ["truncated", "no session message"],
    "tests_files_strava-android-app-201.10-b1218918.fit": ["corrupt after message 488", "1 samples with an impossible"],
}
# (file, leg, total) → how much more than stated, in percent. The reasons are in docs/recordings.md.
OVER_ONE_PERCENT = {
    ("tests_files_sample_mulitple_header.fit", 1, "distance"): -3.5,
}
# The same activity from several formats, providers, or copies that were damaged for the tests of a parser.
SAME_ACTIVITY = [
    {
        "sweat_examples_data_4078723797.fit#0",
        "sweat_examples_data_4078723797_strava.gpx.gz#0",
        "sweat_examples_data_activity_4078723797.gpx.gz#0",
    },
    {
        "sweat_examples_data_4801048867.fit#0",
        "sweat_examples_data_4801048867_strava.gpx.gz#0",
        "sweat_examples_data_activity_4801048867.gpx.gz#0",
        "sweat_examples_data_activity_4801048867.tcx.gz#0",
    },
    {"tests_files_no_hr.tcx.gz#0", "tests_files_test.tcx.gz#0"},
    {
        "tests_files_activity-settings-corruptheader.fit#0",
        "tests_files_activity-settings-nodata.fit#0",
        "tests_files_activity-unexpected-eof.fit#0",
    },
    *({f"examples_triathlon_summary_{order}.fit#{leg}" for order in ("first", "last")} for leg in range(5)),
]


def recordings_of(readings: Readings) -> list[tuple[str, Recording]]:
    return [(name, leg) for name, legs in readings.items() if not isinstance(legs, RecordingError) for leg in legs]


def summary_of(recording: Recording) -> Summary:
    return summarise(
        recording.track,
        sport=recording.sport,
        start_us=recording.start_us,
        end_us=recording.end_us,
        pauses=recording.pauses,
        athlete=Athlete(),
        stated=recording.stated,
        rpe=None,
    )


def excess(found: float, stated: float | None) -> float:
    """Percent over the stated total; nothing stated has nothing to be compared with."""
    if stated is None:
        return 0.0
    if stated == 0.0:
        return 0.0 if found == 0.0 else float("inf")
    return 100.0 * (found - stated) / stated


def test_each_of_the_62_is_read_or_refused_by_name_with_a_reason(real_readings: Readings) -> None:
    refused = {name: error for name, error in real_readings.items() if isinstance(error, RecordingError)}
    assert {name: error.reason for name, error in refused.items()} == REFUSED
    assert all(name in str(error) for name, error in refused.items())
    assert len(real_readings) - len(refused) == 60


def test_a_multisport_file_gives_a_recording_for_each_leg(real_readings: Readings) -> None:
    legs: dict[str, list[Recording]] = {}
    for name, recording in recordings_of(real_readings):
        legs.setdefault(name, []).append(recording)
    several = {name: [leg.sport for leg in found] for name, found in legs.items() if len(found) > 1}
    assert several == SEVERAL_LEGS
    for found in legs.values():
        assert [leg.leg for leg in found] == list(range(len(found)))
        for earlier, later in itertools.pairwise(found):
            assert earlier.track.time_us[-1] < later.track.time_us[0]


def test_only_damaged_files_are_warned_about(real_readings: Readings) -> None:
    warned = {name: recording.warnings for name, recording in recordings_of(real_readings) if recording.warnings}
    assert warned.keys() == WARNED.keys()
    for name, parts in WARNED.items():
        assert len(warned[name]) == len(parts)
        for warning, part in zip(warned[name], parts, strict=True):
            assert part in warning


def test_every_sample_and_pause_is_within_the_recording(real_readings: Readings) -> None:
    for name, recording in recordings_of(real_readings):
        assert len(recording.track), name
        assert recording.start_us <= recording.track.time_us[0], name
        assert recording.track.time_us[-1] <= recording.end_us, name
        edges = [recording.start_us, *(edge for pause in recording.pauses for edge in pause), recording.end_us]
        assert edges == sorted(edges), name


def test_timer_time_by_our_pauses_is_within_one_percent_of_what_the_device_states(real_readings: Readings) -> None:
    compared = 0
    for name, recording in recordings_of(real_readings):
        timer_time_s = (recording.end_us - recording.start_us) / 1e6 - total_s(recording.pauses)
        compared += recording.stated.timer_time_s is not None
        assert abs(excess(timer_time_s, recording.stated.timer_time_s)) <= 1.0, name
    assert compared == 67


def test_distance_and_times_of_the_summary_are_within_one_percent_of_the_stated_ones_but_for_the_listed(
    real_readings: Readings,
) -> None:
    over: dict[tuple[str, int, str], float] = {}
    distances = 0
    for name, recording in recordings_of(real_readings):
        summary, stated = summary_of(recording), recording.stated
        distances += stated.distance_m is not None and summary.distance_source != "stated"
        for total, found, said in (
            ("distance", summary.distance_m, stated.distance_m),
            ("timer", summary.timer_time_s, stated.timer_time_s),
            ("moving", summary.moving_time_s, stated.moving_time_s),
        ):
            if abs(excess(found, said)) > 1.0:
                over[name, recording.leg, total] = round(excess(found, said), 1)
    assert over == OVER_ONE_PERCENT
    assert distances == 63


def test_the_exceptions_are_explained_in_the_documentation() -> None:
    page = (REPOSITORY / "docs" / "recordings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| (\d+) \| (\w+) \|.*\| (-?[\d.]+) % \|.+\|$", page, flags=re.MULTILINE)
    assert {(name, int(leg), total): float(percent) for name, leg, total, percent in rows} == OVER_ONE_PERCENT
    for name in (*REFUSED, *WARNED):
        assert f"`{name}`" in page


def test_the_same_activity_in_several_files_is_found(real_readings: Readings) -> None:
    recordings = {f"{name}#{recording.leg}": recording for name, recording in recordings_of(real_readings)}
    candidates = [
        Candidate(
            workout_id=workout_id,
            start_us=recording.start_us,
            end_us=recording.end_us,
            sport=recording.sport,
            channels=sum(bool(np.any(~np.isnan(getattr(recording.track, channel)))) for channel in CHANNELS),
            samples=len(recording.track),
        )
        for workout_id, recording in recordings.items()
    ]

    def is_apart(one: str, other: str) -> bool:
        return together_apart(recordings[one].track, recordings[other].track) is not None

    canonical = clusters(candidates, is_apart)
    groups: dict[str, set[str]] = {}
    for workout_id, canonical_id in canonical.items():
        groups.setdefault(canonical_id, set()).add(workout_id)
    several = [group for group in groups.values() if len(group) > 1]
    assert sorted(several, key=sorted) == sorted(SAME_ACTIVITY, key=sorted)


def test_a_recording_read_twice_is_the_same(real_files: dict[str, Path], real_readings: Readings) -> None:
    name = "fitparser_tests_fixtures_hrv-activity.fit"
    (again,), first = read_recording(real_files[name]), real_readings[name]
    assert isinstance(first, list)
    assert again.content_id == first[0].content_id
    assert np.array_equal(again.track.power_w, first[0].track.power_w, equal_nan=True)


def test_the_zone_of_every_recording_with_a_position_has_the_offset_that_its_file_states(
    real_files: dict[str, Path], real_readings: Readings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {(name, leg.leg): leg for name, leg in recordings_of(real_readings)}
    placed = {key for key, leg in found.items() if _has_position(leg) and leg.sub_sport != "virtual_activity"}
    assert {key for key, leg in found.items() if "/" in (leg.zone or "")} == placed
    assert len(placed) == 69
    monkeypatch.setattr("recordings.fit.zone_of", lambda track, stated, *, kind: stated)
    stating = 0
    for name in sorted({name for name, _ in placed if name.endswith(".fit")}):  # no other of these files states any
        for stated in read_recording(real_files[name]):
            leg = found[name, stated.leg]
            if stated.zone and (name, leg.leg) in placed:
                stating += 1
                start = dt.datetime.fromtimestamp(leg.start_us / 1e6, dt.UTC)
                there, said = (start.astimezone(zone_info(str(zone))).utcoffset() for zone in (leg.zone, stated.zone))
                assert there == said, f"{name}#{leg.leg}: {leg.zone} is at {there}, the file says {said}"
    assert stating == 39


def _has_position(recording: Recording) -> bool:
    return bool(np.any(~np.isnan(recording.track.latitude_deg) & ~np.isnan(recording.track.longitude_deg)))


def test_what_devices_add_is_read(real_readings: Readings) -> None:
    def one(name: str) -> Recording:
        reading = real_readings[name]
        assert isinstance(reading, list)
        return reading[0]

    heart = one("fitparser_tests_fixtures_hrv-activity.fit")
    assert len(heart.rr_ms) == len(heart.rr_time_us) == 2705
    assert 300 < np.median(heart.rr_ms) < 1000
    # Power and distance of a rowing machine are in developer fields, the watch itself recorded a distance of 0.
    rower = one("tests_files_20170518-191602-1740899583.fit")
    assert rower.track.distance_m[-1] == 6163
    assert np.nanmax(rower.track.power_w) > 300
    assert rower.stated.distance_m == 6163
    # Running power of a foot pod is in a developer field.
    assert np.nanmedian(one("test_running-with-developer-data.fit").track.power_w) > 200
    # The heart rate of a swim is kept by the strap and sent afterwards.
    swim = one("tests_files_garmin-fr935-cr.fit")
    assert np.count_nonzero(~np.isnan(swim.track.heart_rate_bpm)) > 7000
    assert swim.zone == "+01:00"
    # Its file gives UTC as local time: who knows no offset writes zero.
    assert one("tests_files_coros-pace-2-cycling-misaligned-fields.fit").zone == "America/Bogota"
    assert one("tests_files_null_compressed_speed_dist.fit").zone is None  # in a game, and its local time is of 1989
    assert one("examples_batt.fit").device.product == "Suunto Vertical 2"
    strava = one("sweat_examples_data_4078723797_strava.gpx.gz")
    assert (strava.sport, strava.device.product) == ("cycling", "StravaGPX")
    assert np.count_nonzero(~np.isnan(strava.track.power_w)) == 8357
