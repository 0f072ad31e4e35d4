"""Real recordings: none is flagged, and what is forged from them is."""

import itertools
import timeit
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from domain.copies import lookalike
from domain.fingerprint import fingerprint_of, same_share
from domain.integrity import RULES, check
from domain.integrity_first_look import FIRST_LOOKS
from domain.integrity_flags import Case, Context, Flag, RuleName
from domain.integrity_limits import race_of
from domain.integrity_motion import motion_of
from domain.summary import Summary
from domain.track import Track, track_from_columns
from recordings import Recording, RecordingError

from .cases import ANYONE, HOUR_US, METRES_A_DEGREE, START_US, flags, marked, moving, summary_of

Named = list[tuple[str, Recording]]
pytestmark = pytest.mark.slow  # reading all of them takes about 20 s


@pytest.fixture(scope="module")
def real(real_readings: dict[str, list[Recording] | RecordingError]) -> Named:
    found = [
        (f"{name}#{leg.leg}", leg) for name, legs in real_readings.items() if isinstance(legs, list) for leg in legs
    ]
    assert len(found) == 78
    return found


def real_flags(name: str, recording: Recording, track: Track, **others: object) -> dict[RuleName, Flag]:
    context = Context("me", name, START_US, int(track.time_us[0]), int(track.time_us[-1]), recording.pauses)
    context = replace(context, **others)  # type: ignore[arg-type]  # fields by name, as the tests give them
    return flags(track, recording.sport, context=context, stated=recording.stated)


def named(real: Named, name: str) -> Recording:
    return next(recording for found, recording in real if found == name)


def test_no_real_recording_is_flagged_or_noted(real: Named) -> None:
    said = [
        (name, recording.sport, flag.rule, flag.decision, flag.reason, flag.evidence)
        for name, recording in real
        for flag in real_flags(
            name, recording, recording.track, start_us=recording.start_us, end_us=recording.end_us
        ).values()
    ]
    assert said == []


def alone(case: Callable[[], Case]) -> list[Flag | None]:
    """What the rules say without a first look."""
    one = case()
    return [rule(one) for rule in RULES.values()]


def test_of_most_real_recordings_the_first_look_proves_that_no_rule_on_motion_fires(real: Named) -> None:
    """Run with ``-s`` it prints what docs/integrity.md says of the cost."""
    possible: list[int] = []
    taken_ms: dict[str, list[float]] = {"with the first look": [], "without": []}
    for _, recording in (one for one in real if len(one[1].track)):
        context = Context("me", "w", START_US, recording.start_us, recording.end_us, recording.pauses)
        summary = summary_of(recording.track, recording.sport, ANYONE, context, recording.stated)

        def case(recording: Recording = recording, summary: Summary = summary, context: Context = context) -> Case:
            race, motion = race_of(recording.sport), motion_of(recording.track)
            return Case(recording.track, summary, recording.sport, race, ANYONE, context, motion)

        possible.append(sum(may_fire(case()) for may_fire in FIRST_LOOKS.values()))
        ways: dict[str, Callable[[], object]] = {
            "with the first look": partial(check, recording.track, summary, recording.sport, ANYONE, context),
            "without": partial(alone, case),
        }
        for name, way in ways.items():
            taken_ms[name].append(1000.0 * min(timeit.repeat(way, number=1, repeat=5)))
    for name, each in taken_ms.items():
        print(f"{name}: median {np.median(each):.2f} ms, mean {np.mean(each):.2f} ms of {len(each)} workouts")
    assert possible.count(0) / len(possible) >= 0.75


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


def test_a_real_ride_by_another_service_on_another_day_and_faster_is_flagged_as_a_copy(real: Named) -> None:
    ride = named(real, "sweat_examples_data_4078723797.fit#0")
    other = named(real, "sweat_examples_data_4078723797_strava.gpx.gz#0")
    elapsed_us = other.track.time_us - other.track.time_us[0]
    faster = replace(other.track, time_us=other.track.time_us[0] + 72 * HOUR_US + elapsed_us * 2 // 3)
    mine = marked(faster, user="me", workout_id="forged", accepted_us=START_US)
    known = marked(ride.track, user="ann", accepted_us=START_US - HOUR_US)
    flag = real_flags("forged", other, faster, lookalike=lookalike(mine, known))["copied_track"]
    assert flag.decision == "flagged"
    assert "another athlete's workout w-0, which was accepted first" in flag.reason


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
