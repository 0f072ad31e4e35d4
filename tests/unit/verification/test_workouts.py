"""The last word on each workout from the facts of the log."""

import msgspec
import numpy as np

from domain.features import FEATURE_NAMES
from schemas import hot
from tests.unit.verification.conftest import HOUR_US, OTHER, START_US, WORKOUT, TestLog
from verification import samples, workouts
from verification.partition import USER_EVENTS, WORKOUT_EVENTS
from verification.withdrawals import Takings
from verification.workouts import Known


def known(log: TestLog, user: str = "ada") -> dict[str, Known]:
    read = log.read()
    facts = workouts.facts_of(read.seen_by("workouts", *USER_EVENTS), read.seen_by("workouts", *WORKOUT_EVENTS))
    found, _ = samples.deduplicated(read.carrying("SensorFrame").valid, Takings())
    spans = found.tracks()
    return workouts.known_workouts(
        user,
        facts[user],
        lambda u, w: found.track(spans[u, w]) if (u, w) in spans else workouts.NO_SAMPLES,
        bytes(32),
        {},
        {},
    )


def test_a_workout_is_summarised_from_its_samples(log: TestLog) -> None:
    log.register()
    log.complete(hours=1 / 60)
    log.frame({"heart_rate_bpm": np.full(60, 130.0), "distance_m": np.arange(60) * 3.0})
    one = known(log)[WORKOUT]
    assert one.summary.status == "counted"
    assert one.summary.summary is not None
    assert (one.summary.summary.sample_count, one.summary.summary.distance_m) == (60, 177.0)
    assert len(one.features.features) == len(FEATURE_NAMES)


def test_samples_after_the_completion_count_all_the_same(log: TestLog) -> None:
    log.register()
    log.frame()
    log.complete(hours=1 / 60)
    before = known(log)[WORKOUT]
    other = TestLog()
    other.register()
    other.complete(hours=1 / 60)
    other.frame()
    after = known(other)[WORKOUT]
    assert (after.summary, after.features) == (before.summary, before.features)


def test_the_longer_report_of_a_workout_prevails(log: TestLog) -> None:
    log.register()
    log.complete(hours=2)
    log.complete(hours=1)
    assert known(log)[WORKOUT].summary.end == START_US + 2 * HOUR_US


def test_the_latest_edit_of_each_field_counts(log: TestLog) -> None:
    log.register()
    log.event(hot.WorkoutEdited, hot.WorkoutEditedData(workout_id=WORKOUT, title="Late"), time=START_US + 9)
    log.event(hot.WorkoutEdited, hot.WorkoutEditedData(workout_id=WORKOUT, title="Early", rpe=4.0), time=START_US + 1)
    log.complete()
    one = known(log)[WORKOUT]
    assert one.summary.title == "Late"
    assert one.completion.rpe == 4.0


def test_a_deleted_workout_stays_deleted_and_has_no_document(log: TestLog) -> None:
    log.register()
    log.event(hot.WorkoutDeleted, hot.WorkoutDeletedData(workout_id=WORKOUT))
    log.complete()
    one = known(log)[WORKOUT]
    assert (one.summary.status, one.summary.summary, one.summary.title) == ("deleted", None, None)
    assert one.features.features == ()
    assert one.document("ada") is None


def test_erasure_holds_for_what_started_before(log: TestLog) -> None:
    log.register()
    log.complete()
    log.complete(OTHER, start=START_US + 30 * HOUR_US)
    log.event(hot.UserErased, hot.UserErasedData(), time=START_US + 20 * HOUR_US)
    statuses = {wid: one.summary.status for wid, one in known(log).items()}
    assert statuses == {WORKOUT: "deleted", OTHER: "counted"}


def test_of_two_recordings_the_one_with_more_channels_counts(log: TestLog) -> None:
    log.register()
    log.complete(device_id="phone")
    log.complete(OTHER, device_id="watch")
    log.frame({"heart_rate_bpm": np.full(60, 130.0)}, workout_id=OTHER)
    found = known(log)
    assert (found[WORKOUT].summary.status, found[WORKOUT].summary.duplicate_of) == ("duplicate", OTHER)
    assert found[OTHER].summary.status == "counted"
    assert found[WORKOUT].features.features == ()


def test_features_know_only_what_had_ended(log: TestLog) -> None:
    log.register()
    log.complete(OTHER, start=START_US + 24 * HOUR_US)
    log.complete(WORKOUT)
    found = known(log)
    index = FEATURE_NAMES.index("workouts_7d")
    assert (found[WORKOUT].features.features[index], found[OTHER].features.features[index]) == (1, 2)


def test_a_profile_counts_from_its_time_on(log: TestLog) -> None:
    log.register(birth_year=1980)
    log.event(hot.ProfileChanged, hot.ProfileChangedData(birth_year=1990), time=START_US + 12 * HOUR_US)
    log.complete()
    log.complete(OTHER, start=START_US + 24 * HOUR_US)
    found, index = known(log), FEATURE_NAMES.index("age_years")
    assert (found[WORKOUT].features.features[index], found[OTHER].features.features[index]) == (46, 36)


def test_own_zones_are_those_of_the_workouts_start(log: TestLog) -> None:
    log.register(hr_max_bpm=200.0)
    log.complete(hours=1 / 60)
    log.frame({"heart_rate_bpm": np.full(60, 130.0)})
    zones = hot.ZonesSetData(sport="running", basis="heart_rate_max", upper_bounds=(0.5, 0.6))
    log.event(hot.ZonesSet, zones, time=START_US + 1)
    assert (known(log)[WORKOUT].summary.summary or hot.Summary).zones_set_by is None
    record = log.event(hot.ZonesSet, zones, time=START_US)
    one = known(log)[WORKOUT].summary.summary
    assert one is not None
    assert (one.zone_bounds, one.time_in_zones_s) == ((100.0, 120.0), (0.0, 0.0, 60.0))
    assert one.zones_set_by == msgspec.json.decode(record.value or b"")["id"]


def test_a_privacy_zone_leaves_others_the_part_outside_until_it_is_lifted(log: TestLog) -> None:
    log.register()
    log.complete(hours=1 / 3)
    metres = np.arange(1_200) * 3.0
    columns = {"latitude_deg": 60 + metres / 111_195, "longitude_deg": np.full(1_200, 10.0), "distance_m": metres}
    log.frame(columns)
    zone = hot.PrivacyZoneSetData(zone_id=OTHER, latitude_deg=60.0, longitude_deg=10.0, radius_m=400)
    log.event(hot.PrivacyZoneSet, zone, time=START_US + 5)
    found = known(log)[WORKOUT].summary
    assert found.summary is not None
    assert found.shown is not None
    assert START_US + 30_000_000 < found.shown.start < found.shown.end == found.end - 1_000_000
    assert found.summary.distance_m - 1_000 < found.shown.summary.distance_m < found.summary.distance_m - 100
    log.event(hot.PrivacyZoneSet, zone, time=START_US + 4)  # told late: an earlier word
    log.event(hot.PrivacyZoneRemoved, hot.PrivacyZoneRemovedData(zone_id=OTHER), time=START_US + 6)
    assert known(log)[WORKOUT].summary.shown is None
