"""Integrity: each rule flags the forgery that it is for, with the figures, and no real recording."""

import itertools
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.athlete import Athlete
from domain.fingerprint import fingerprint_of, same_share
from domain.integrity import check
from domain.integrity_flags import VERSIONS, Context, Elsewhere, Flag, Lookalike, RuleName
from domain.integrity_motion import stretch
from domain.summary import Stated, Summary, summarise
from domain.track import NO_SAMPLES, FloatColumn, Track, track_from_columns
from recordings import Recording, RecordingError, read_recording

START_US = 1_780_300_800_000_000
HOUR_US = 3_600_000_000
METRES_A_DEGREE = 111_195.08  # of latitude, on a sphere of 6,371,008.8 m
ANYONE = Athlete()  # 70 kg, heart rate 60 to 180: very light is up to 60 + 0.3 * 120 = 96 bpm

# --- workouts made by hand -------------------------------------------------------------------------------------------


def moving(
    speed_m_s: FloatColumn,
    *,
    rise_m_s: float | None = 0.0,
    heart_rate_bpm: float | FloatColumn | None = 150.0,
    power_w: float | FloatColumn | None = None,
    cadence_rpm: float | None = None,
    time_us: NDArray[np.int64] | None = None,
) -> Track:
    """A straight way north from 46° N at a sample a second, with the given speeds, slope and body."""
    n = len(speed_m_s)
    metres = np.concatenate(([0.0], np.cumsum(speed_m_s)[:-1]))
    given = {"heart_rate_bpm": heart_rate_bpm, "power_w": power_w, "cadence_rpm": cadence_rpm}
    channels = {name: np.full(n, value) for name, value in given.items() if value is not None}
    if rise_m_s is not None:
        channels["altitude_m"] = 2000.0 + rise_m_s * np.arange(n)
    return track_from_columns(
        START_US + np.arange(n) * 1_000_000 if time_us is None else time_us,
        latitude_deg=46.0 + metres / METRES_A_DEGREE,
        longitude_deg=np.full(n, 15.0),
        **channels,
    )


def wobbling(seconds: int, seed: int, speed_m_s: float = 3.0) -> Track:
    """A run along one road with the noise of one device: two metres of GPS, a heart that does not stand still."""
    noise = np.random.default_rng(seed)
    track = moving(np.full(seconds, speed_m_s))
    return replace(
        track,
        latitude_deg=track.latitude_deg + noise.normal(0, 2 / METRES_A_DEGREE, seconds),
        longitude_deg=track.longitude_deg + noise.normal(0, 2 / METRES_A_DEGREE, seconds),
        heart_rate_bpm=np.rint(140 + np.cumsum(noise.choice((-1, 0, 1), seconds)) * 0.5),
    )


def context_of(track: Track, **others: object) -> Context:
    ends = (int(track.time_us[0]), int(track.time_us[-1])) if len(track) else (START_US, START_US + HOUR_US)
    context = Context("me", "w-1", accepted_us=START_US + 5 * HOUR_US, start_us=ends[0], end_us=ends[1])
    return replace(context, **others)  # type: ignore[arg-type]  # fields by name, as the tests give them


def summary_of(track: Track, sport: str, athlete: Athlete, context: Context, stated: Stated) -> Summary:
    return summarise(
        track,
        sport=sport,
        start_us=context.start_us,
        end_us=context.end_us,
        pauses=context.pauses,
        athlete=athlete,
        stated=stated,
        rpe=None,
    )


def flags(
    track: Track,
    sport: str = "running",
    athlete: Athlete = ANYONE,
    context: Context | None = None,
    stated: Stated | None = None,
) -> dict[RuleName, Flag]:
    context = context or context_of(track)
    summary = summary_of(track, sport, athlete, context, stated or Stated())
    return {flag.rule: flag for flag in check(track, summary, sport, athlete, context)}


def lookalike(track: Track, *, user: str, accepted_us: int, workout_id: str = "w-0") -> Lookalike:
    return Lookalike(
        user, workout_id, accepted_us, int(track.time_us[0]), int(track.time_us[-1]), fingerprint_of(track)
    )


def test_a_sound_run_has_no_flag() -> None:
    assert flags(wobbling(1800, seed=1)) == {}


def test_every_rule_has_a_version() -> None:
    assert set(VERSIONS) == set(get_args(RuleName))


# --- vehicles --------------------------------------------------------------------------------------------------------


def test_a_car_in_a_run_is_flagged_where_it_drove() -> None:
    # 400 m in 43.03 s are 9.296 m/s; with 5 % the limit of a minute is 9.761 m/s, 35.1 km/h.
    speed = np.full(1800, 3.0)
    speed[600:900] = 20.0
    heart_rate = np.where(speed > 10, 80.0, 150.0)
    flag = flags(moving(speed, heart_rate_bpm=heart_rate))["vehicle"]
    assert flag.decision == "flagged"
    assert flag.version == VERSIONS["vehicle"]
    assert "at 72.0 km/h; the limit is 35.1 km/h" in flag.reason
    assert "the heart rate was 80 bpm, very light and no cadence was recorded" in flag.reason
    assert flag.evidence.start_us == pytest.approx(START_US + 600_000_000, abs=12_000_000)
    assert flag.evidence.end_us == pytest.approx(START_US + 900_000_000, abs=12_000_000)
    assert (flag.evidence.value, flag.evidence.limit) == pytest.approx((20.0, 9.7606), abs=1e-3)


def test_a_sprint_is_no_car() -> None:
    speed = np.full(1800, 3.0)
    speed[600:640] = 11.0
    assert "vehicle" not in flags(moving(speed))


@pytest.mark.parametrize("speed_source", ["speed_m_s", "distance_m"])
def test_a_car_is_seen_by_speed_or_counter_where_there_are_no_positions(speed_source: str) -> None:
    speed = np.full(900, 20.0)
    values = speed if speed_source == "speed_m_s" else np.cumsum(speed)
    track = track_from_columns(START_US + np.arange(900) * 1_000_000, **{speed_source: values})
    assert "no heart rate was recorded" in flags(track)["vehicle"].reason


def test_nine_seconds_of_ten_are_sustained_and_eight_are_not() -> None:
    assert stretch(np.arange(10) > 0, 10) == (0, 9)
    assert stretch(np.arange(10) > 1, 10) is None


def test_a_bus_in_town_is_seen_by_the_heart_at_rest() -> None:
    speed = np.full(900, 6.0)
    assert "at most 96 bpm, which is very light" in flags(moving(speed, heart_rate_bpm=75.0))["vehicle"].reason
    assert flags(moving(speed, heart_rate_bpm=170.0)) == {}


def test_a_ride_is_a_drive_on_the_level_and_not_in_a_descent() -> None:
    # 22.22 m/s: over five minutes the limit is 4000 m / 220.73 s * 1.1 = 19.93 m/s; over one it is 24.84 m/s.
    speed = np.full(600, 22.22)
    flag = flags(moving(speed, cadence_rpm=0.0), "cycling")["vehicle"]
    assert "the limit is 71.8 km/h" in flag.reason
    assert "the legs stood still" in flag.reason
    assert flags(moving(speed, rise_m_s=-1.5), "cycling") == {}
    assert flags(moving(speed, rise_m_s=None), "cycling") == {}  # nobody knows that it was level
    assert "vehicle" in flags(moving(np.full(600, 30.0), rise_m_s=None), "cycling")


@pytest.mark.parametrize(("sport", "speed_m_s"), [("skiing", 25.0), ("other", 80.0), ("cross_country_skiing", 20.0)])
def test_a_descent_on_skis_and_a_flight_are_not_flagged(sport: str, speed_m_s: float) -> None:
    assert flags(moving(np.full(1200, speed_m_s), rise_m_s=-2.0, heart_rate_bpm=80.0), sport) == {}


# --- motors ----------------------------------------------------------------------------------------------------------


def test_an_e_bike_is_seen_by_the_heart_at_rest_uphill() -> None:
    # 12 % at 4 m/s rise 0.48 m/s: 9.80665 * 0.48 * (70 + 6.8) / 70 = 5.16 W/kg.
    hill = moving(np.full(900, 4.0), rise_m_s=0.48, heart_rate_bpm=85.0)
    flag = flags(hill, "cycling")["motor_assistance"]
    assert "at least 5.2 W/kg with a heart rate of at most 96 bpm" in flag.reason
    assert flag.decision == "flagged"
    assert flag.evidence.value == pytest.approx(5.164, abs=0.01)
    assert flags(hill, "ebike") == {}
    assert flags(moving(np.full(900, 4.0), rise_m_s=0.48, heart_rate_bpm=165.0), "cycling") == {}


def test_a_lift_in_a_mountain_bikers_day_is_noted() -> None:
    flag = flags(moving(np.full(900, 4.0), rise_m_s=0.48, heart_rate_bpm=85.0), "mountain_biking")["motor_assistance"]
    assert flag.decision == "noted"
    assert "A lift is part of this sport" in flag.reason


def test_a_climb_beyond_world_class_is_flagged_at_any_heart_rate() -> None:
    # The limit of five minutes: 7.60 * 1.1 W/kg / (9.80665 * 76.8 / 70) = 0.777 m/s, 2797 m an hour.
    flag = flags(moving(np.full(900, 8.0), rise_m_s=0.9, heart_rate_bpm=190.0), "cycling")["motor_assistance"]
    assert "climbing at 3240 m an hour" in flag.reason
    assert flag.evidence.limit == pytest.approx(2797, abs=1)


def test_a_climb_that_the_power_meter_does_not_know_is_flagged() -> None:
    # 0.3 m/s take 9.80665 * 0.3 * 76.8 = 226 W.
    def climb(power_w: float | FloatColumn) -> dict[RuleName, Flag]:
        return flags(moving(np.full(1500, 4.0), rise_m_s=0.3, power_w=power_w, heart_rate_bpm=165.0), "cycling")

    flag = climb(100.0)["motor_assistance"]
    assert "takes at least 226 W; the power meter says 100 W" in flag.reason
    assert flag.evidence.limit == pytest.approx(150.0)
    assert climb(240.0) == {}
    # A battery that is empty from the start, and after five minutes.
    assert climb(0.0) == {}
    assert climb(np.where(np.arange(1500) < 300, 240.0, 0.0)) == {}


def test_a_lift_on_a_hike_is_flagged() -> None:
    assert "2880 m an hour" in flags(moving(np.full(900, 3.0), rise_m_s=0.8), "hiking")["motor_assistance"].reason


# --- records ---------------------------------------------------------------------------------------------------------


def test_five_kilometres_faster_than_the_record_are_flagged() -> None:
    # 5000 m / 7.2 m/s = 694.4 s; the record of 755.36 s / 1.05 = 719.4 s. The mile, 223.5 s, is within 212.5 s.
    flag = flags(moving(np.full(800, 7.2)))["beyond_record"]
    assert flag.reason == (
        "5 km in 11:34; the limit is 11:59, from Joshua Cheptegei's 5000 m in 12:35 on 2020-08-14 "
        "(World Athletics) and a margin."
    )
    assert (flag.evidence.value, flag.evidence.limit) == pytest.approx((694.4, 719.39), abs=0.1)


def test_records_are_those_of_the_sex_and_unspecified_is_the_wider_limit() -> None:
    # 6.5 m/s are 769.2 s over 5 km: 838.06 / 1.05 = 798.2 s for women, 719.4 s for men.
    fast = moving(np.full(900, 6.5))
    assert "Beatrice Chebet" in flags(fast, athlete=Athlete(sex="female"))["beyond_record"].reason
    assert flags(fast, athlete=Athlete(sex="male")) == {}
    assert flags(fast, athlete=Athlete(sex="unspecified")) == {}


def test_a_course_that_falls_too_much_is_not_compared_with_records() -> None:
    assert flags(moving(np.full(800, 7.2), rise_m_s=-0.2)) == {}


def test_watts_per_kilogram_are_judged_where_the_weight_is_known() -> None:
    # 700 W / 70 kg = 10 W/kg for five minutes; 7.60 * 1.1 = 8.36.
    ride = moving(np.full(400, 8.0), power_w=700.0)
    flag = flags(ride, "cycling", Athlete(mass_kg=70.0))["beyond_record"]
    assert "10.0 W/kg for 5 min; the limit is 8.4 W/kg" in flag.reason
    assert flags(ride, "cycling") == {}
    # 7.8 W/kg: within 8.36 for men, over 6.74 * 1.1 = 7.41 for women
    ride = moving(np.full(400, 8.0), power_w=546.0)
    assert "the limit is 7.4 W/kg" in flags(ride, "cycling", Athlete("female", mass_kg=70.0))["beyond_record"].reason
    assert flags(ride, "cycling", Athlete("male", mass_kg=70.0)) == {}


# --- jumps -----------------------------------------------------------------------------------------------------------


def test_kilometres_jumped_during_a_gap_are_flagged() -> None:
    # 30 km in an hour without samples are 8.33 m/s: under the limit of a sprint, over that of 30 km.
    track = moving(np.concatenate((np.full(600, 3.0), [30_000.0], np.full(600, 3.0))))
    late_us = START_US + np.arange(1201) * 1_000_000 + np.where(np.arange(1201) > 600, HOUR_US, 0)
    flag = flags(replace(track, time_us=late_us))["position_jumps"]
    assert flag.decision == "flagged"
    assert "jumps 1 times, 30.0 km in all" in flag.reason
    assert "30.0 of the 33.6 km that count come from jumps" in flag.reason
    assert flag.evidence.start_us == START_US + 600_000_000


def test_a_jump_that_the_distance_leaves_out_is_only_noted() -> None:
    speed = np.full(1200, 3.0)
    speed[600] = 5000.0
    flag = flags(moving(speed))["position_jumps"]
    assert flag.decision == "noted"
    assert "0.0 of the 3.6 km that count come from jumps" in flag.reason


def test_a_lone_fix_that_is_off_is_no_jump() -> None:
    track = moving(np.full(1200, 3.0))
    latitude = track.latitude_deg.copy()
    latitude[[300, 700]] += 0.5
    assert flags(replace(track, latitude_deg=latitude)) == {}


# --- copies ----------------------------------------------------------------------------------------------------------


def re_encoded(track: Track, shift_us: int = 0) -> Track:
    """The same samples as another program writes them: another date, six digits of a degree, decimetres."""
    return replace(
        track,
        time_us=track.time_us + shift_us,
        latitude_deg=track.latitude_deg.round(6),
        longitude_deg=track.longitude_deg.round(6),
        altitude_m=track.altitude_m.round(1),
    )


def copied(track: Track, other: Lookalike) -> Flag | None:
    return flags(track, context=context_of(track, lookalikes=(other,))).get("copied_track")


def test_a_copy_of_another_athletes_run_on_another_day_is_flagged() -> None:
    original = wobbling(1800, seed=1)
    flag = copied(re_encoded(original, 48 * HOUR_US), lookalike(original, user="ann", accepted_us=START_US))
    assert flag is not None
    assert flag.decision == "flagged"
    assert "those of another athlete's workout w-0, +48.0 h apart. That one lasted 1.00 times as long" in flag.reason
    assert "was accepted first" in flag.reason
    assert flag.evidence.limit == 0.25


def test_a_copy_without_its_heart_rate_or_without_its_positions_is_still_one() -> None:
    original = wobbling(1800, seed=1)
    unknown = np.full(1800, np.nan)
    known = lookalike(original, user="ann", accepted_us=START_US)
    assert copied(re_encoded(replace(original, heart_rate_bpm=unknown)), known) is not None
    assert copied(re_encoded(replace(original, latitude_deg=unknown, longitude_deg=unknown)), known) is not None
    assert copied(re_encoded(original).between(START_US + 600_000_000, START_US + HOUR_US), known) is not None


def test_a_ride_replayed_at_one_and_a_half_times_its_speed_is_a_copy() -> None:
    original = wobbling(1800, seed=1)
    faster = replace(original, time_us=START_US + np.arange(1800) * 1_000_000 * 2 // 3)
    flag = copied(faster, lookalike(original, user="ann", accepted_us=START_US))
    assert flag is not None
    assert "lasted 1.50 times as long" in flag.reason


def test_the_original_is_what_was_accepted_first_and_is_only_noted() -> None:
    original = wobbling(1800, seed=1)
    flag = copied(original, lookalike(re_encoded(original), user="ann", accepted_us=START_US + 6 * HOUR_US))
    assert flag is not None
    assert flag.decision == "noted"
    assert "this one is the original" in flag.reason


def test_two_athletes_side_by_side_are_not_copies() -> None:
    assert copied(wobbling(1800, seed=1), lookalike(wobbling(1800, seed=2), user="ann", accepted_us=START_US)) is None


def test_an_own_upload_from_a_second_service_is_a_duplicate_and_an_own_old_run_a_copy() -> None:
    run = wobbling(1800, seed=1)
    assert copied(re_encoded(run), lookalike(run, user="me", accepted_us=START_US)) is None
    old = copied(re_encoded(run, 48 * HOUR_US), lookalike(run, user="me", accepted_us=START_US))
    assert old is not None
    assert "another workout of this athlete" in old.reason


# --- totals and two places -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sport", "stated", "reason"),
    [
        # 42 195 m / 7235 s * 1.05 = 6.124 m/s, 22.0 km in an hour
        ("running", Stated(distance_m=50_000.0, timer_time_s=3600.0), "50.0 km stated in 1:00:00"),
        ("cycling", Stated(distance_m=10_000.0, timer_time_s=3600.0, ascent_m=4000.0), "4000 m of climbing stated"),
        ("other", Stated(timer_time_s=100_000.0), "An entry by hand of 27.8 h; the limit is 24 h"),
    ],
)
def test_impossible_totals_entered_by_hand_are_flagged(sport: str, stated: Stated, reason: str) -> None:
    context = context_of(NO_SAMPLES, end_us=START_US + round((stated.timer_time_s or 0) * 1e6))
    assert reason in flags(NO_SAMPLES, sport, context=context, stated=stated)["impossible_total"].reason


def test_a_fair_entry_by_hand_is_not_flagged() -> None:
    fair = Stated(distance_m=12_000.0, timer_time_s=3600.0, ascent_m=300.0)
    assert flags(NO_SAMPLES, stated=fair) == {}
    assert flags(NO_SAMPLES, stated=Stated(timer_time_s=3600.0)) == {}


def test_an_athlete_in_two_places_at_once_is_flagged_where_the_other_came_first() -> None:
    here = wobbling(1800, seed=1)
    there = replace(here, latitude_deg=here.latitude_deg + 1.0)

    def seen(other: Track, accepted_us: int) -> dict[RuleName, Flag]:
        return flags(here, context=context_of(here, elsewhere=(Elsewhere("w-0", accepted_us, other),)))

    flag = seen(there, START_US)["two_places"]
    assert flag.decision == "flagged"
    assert "30 min at the same time as workout w-0 of this athlete, 111.2 km away" in flag.reason
    assert seen(there, START_US + 9 * HOUR_US)["two_places"].decision == "noted"
    assert seen(here, START_US) == {}
    assert seen(replace(there, time_us=there.time_us + HOUR_US), START_US) == {}


# --- real recordings -------------------------------------------------------------------------------------------------

Named = list[tuple[str, Recording]]


@pytest.fixture(scope="module")
def real() -> Named:
    root = Path(os.environ.get("STRIDELOG_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data")
    manifest = root / "activities" / "manifest.json"
    if not manifest.is_file():
        pytest.skip(f"no real recordings in {root}: set STRIDELOG_TEST_DATA")
    entries = json.loads(manifest.read_text(encoding="utf-8"))
    found: Named = []
    for path in (root / entry["file"] for entry in entries):
        try:
            found += [(f"{path.name}#{leg.leg}", leg) for leg in read_recording(path)]
        except RecordingError:  # which ones, and why, is held by tests/unit/recordings
            continue
    assert len(entries) == 62
    assert len(found) == 78
    return found


def real_flags(name: str, recording: Recording, track: Track, **others: object) -> dict[RuleName, Flag]:
    context = Context("me", name, START_US, int(track.time_us[0]), int(track.time_us[-1]), recording.pauses)
    context = replace(context, **others)  # type: ignore[arg-type]  # fields by name, as the tests give them
    return flags(track, recording.sport, context=context, stated=recording.stated)


def named(real: Named, name: str) -> Recording:
    return next(recording for found, recording in real if found == name)


@pytest.mark.slow
def test_no_real_recording_is_flagged_or_noted(real: Named) -> None:
    said = [
        (name, recording.sport, flag.rule, flag.decision, flag.reason, flag.evidence)
        for name, recording in real
        for flag in real_flags(
            name, recording, recording.track, start_us=recording.start_us, end_us=recording.end_us
        ).values()
    ]
    assert said == []


@pytest.mark.slow
def test_real_copies_in_other_formats_share_marks_and_no_other_pair_does(real: Named) -> None:
    prints = [(name, fingerprint_of(recording.track)) for name, recording in real]
    shares = [same_share(a, b) for (_, a), (_, b) in itertools.combinations(prints, 2)]
    same = [share for share, _ in shares if share > 0]
    assert len(same) == 14
    assert min(same) > 0.9  # of the channel that agrees best
    by_position = [
        same_share(replace(a, heart_rate=(), power=()), replace(b, heart_rate=(), power=()))[0]
        for (_, a), (_, b) in itertools.combinations(prints, 2)
    ]
    assert min(share for share in by_position if share > 0) == pytest.approx(0.69, abs=0.005)  # docs/integrity.md


@pytest.mark.slow
def test_a_real_run_that_goes_on_in_a_car_is_flagged(real: Named) -> None:
    run = named(real, "tests_files_activity-small-fenix2-run.fit#0")
    seconds = np.arange(900)
    latitude, longitude = (c[np.isfinite(c)][-1] for c in (run.track.latitude_deg, run.track.longitude_deg))
    drive = moving(np.full(900, 25.0), heart_rate_bpm=80.0, time_us=run.track.time_us[-1] + (seconds + 60) * 1_000_000)
    whole = track_from_columns(
        np.concatenate((run.track.time_us, drive.time_us)),
        latitude_deg=np.concatenate((run.track.latitude_deg, drive.latitude_deg - 46.0 + latitude)),
        longitude_deg=np.concatenate((run.track.longitude_deg, np.full(900, longitude))),
        heart_rate_bpm=np.concatenate((run.track.heart_rate_bpm, drive.heart_rate_bpm)),
    )
    flag = real_flags("forged", run, whole)["vehicle"]
    assert "at 90.0 km/h" in flag.reason
    assert flag.evidence.start_us == pytest.approx(drive.time_us[0], abs=12_000_000)


@pytest.mark.slow
def test_a_real_ride_by_another_service_on_another_day_and_faster_is_flagged_as_a_copy(real: Named) -> None:
    ride = named(real, "sweat_examples_data_4078723797.fit#0")
    other = named(real, "sweat_examples_data_4078723797_strava.gpx.gz#0")
    elapsed_us = other.track.time_us - other.track.time_us[0]
    faster = replace(other.track, time_us=other.track.time_us[0] + 72 * HOUR_US + elapsed_us * 2 // 3)
    known = lookalike(ride.track, user="ann", accepted_us=START_US - HOUR_US)
    flag = real_flags("forged", other, faster, lookalikes=(known,))["copied_track"]
    assert flag.decision == "flagged"
    assert "+72.0 h apart. That one lasted 1.50 times as long and was accepted first" in flag.reason


@pytest.mark.slow
def test_a_real_run_with_its_second_half_moved_away_is_flagged(real: Named) -> None:
    run = named(real, "tests_files_activity-small-fenix2-run.fit#0")
    half = len(run.track) // 2
    late = np.arange(len(run.track)) >= half
    forged = replace(
        run.track,
        time_us=run.track.time_us + np.where(late, HOUR_US, 0),
        latitude_deg=run.track.latitude_deg + np.where(late, 0.3, 0.0),
        distance_m=run.track.distance_m + np.where(late, 0.3 * METRES_A_DEGREE, 0.0),
    )
    flag = real_flags("forged", run, forged)["position_jumps"]
    assert flag.decision == "flagged"
    assert flag.evidence.value == pytest.approx(0.3 * METRES_A_DEGREE, rel=0.01)
