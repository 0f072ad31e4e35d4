"""Of an activity recorded twice, the summary, the rules of integrity and the part for others are of one track."""

from typing import Any

import numpy as np

from domain.privacy_zones import PrivacyZone
from domain.shown import ZoneChange, circles_in_force
from domain.summary import Stated
from domain.track import Track, track_from_columns
from domain.workouts import Completion, Profile
from stridelog.summarising import AthleteFacts, meeting, summarised

START_US = 1_795_000_000_000_000
SECONDS = np.arange(3_600)
KEY = bytes(range(32))
HOME = PrivacyZone("10000000-0000-4000-8000-000000000000", 60.0, 10.0, 400)
WATCH, PHONE = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


def completion(device: str, first_s: int = 0, last_s: int = 3_600) -> Completion:
    return Completion(
        event_id=device,
        time_us=START_US,
        zone="UTC",
        sport="running",
        device_id=device,
        start_us=START_US + first_s * 1_000_000,
        end_us=START_US + last_s * 1_000_000,
        pauses=(),
        stated=Stated(),
        source=f"device:{device}",
    )


def track(**columns: Any) -> Track:
    return track_from_columns(START_US + SECONDS * 1_000_000, **columns)


WORKOUTS = {WATCH: completion("watch"), PHONE: completion("phone")}
ALL_BUT_POSITIONS = track(
    heart_rate_bpm=np.full(3_600, 150.0),
    cadence_rpm=np.full(3_600, 85.0),
    speed_m_s=np.full(3_600, 3.0),
    distance_m=3.0 * SECONDS,
)


def along(speed_m_s: float) -> Track:
    """Straight north of home."""
    return track(latitude_deg=HOME.latitude_deg + speed_m_s * SECONDS / 111_195.0, longitude_deg=np.full(3_600, 10.0))


def of(tracks: dict[str, Track], **facts: Any) -> Any:
    known = {"user": "ada", "profiles": (), "zones": (), "hidden": (), "priorities": {}, "lookalikes": {}}
    return summarised(AthleteFacts(**(known | facts)), WORKOUTS, tracks).summaries


def test_a_home_that_only_the_other_recording_knows_is_hidden() -> None:
    circles = circles_in_force([ZoneChange("a", 1, HOME.zone_id, HOME)], KEY)
    tracks = {WATCH: ALL_BUT_POSITIONS, PHONE: along(3.0)}
    done = of(tracks, hidden=circles)
    assert (done[PHONE].duplicate_of, ("position", PHONE) in done[WATCH].sources) == (WATCH, True)
    shown = done[WATCH].shown
    assert shown is not None
    assert shown.start_us > START_US
    assert shown.summary.distance_m < done[WATCH].summary.distance_m - 200


def test_the_rules_of_integrity_look_at_what_the_summary_is_of() -> None:
    profile = Profile(event_id="a", time_us=1, registration=True, hr_max_bpm=190.0, hr_rest_bpm=50.0)
    at_ease = {"heart_rate_bpm": np.full(3_600, 78.0), "altitude_m": 100 + SECONDS / 100}
    watch = track(temperature_c=np.full(3_600, 20.0), **at_ease)
    phone = track(speed_m_s=np.full(3_600, 9.0), distance_m=9.0 * SECONDS)
    done = of({WATCH: watch, PHONE: phone}, profiles=[profile])
    assert done[PHONE].duplicate_of == WATCH
    assert "vehicle" in [flag.rule for flag in done[WATCH].flags]
    assert "vehicle" not in [flag.rule for flag in of({WATCH: watch, PHONE: track()}, profiles=[profile])[WATCH].flags]


def test_a_car_that_cleaning_takes_out_of_the_figures_is_flagged() -> None:
    speed = np.full(3_600, 3.0)
    speed[1_800:2_400] = 40.0  # nobody runs so: unknown to the summary
    done = of({WATCH: track(speed_m_s=speed), PHONE: track()})[WATCH]
    assert done.summary.max_speed_m_s == 3.0
    assert [flag.rule for flag in done.flags] == ["vehicle"]


def test_workouts_meet_by_way_of_others_too() -> None:
    groups = meeting({"a": completion("x", 0, 10), "b": completion("x", 5, 20), "c": completion("x", 20, 30)})
    assert groups == [["a", "b", "c"]]
    assert meeting({"a": completion("x", 0, 10), "b": completion("x", 11, 20)}) == [["a"], ["b"]]
