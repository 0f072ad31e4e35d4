"""Who sees what of a live session."""

from typing import Any

import msgspec
import pytest

from domain.athlete import Athlete
from domain.live import Session
from domain.live_view import NOTHING_KNOWN, LiveView, Permission, live_view
from domain.privacy_zones import PrivacyZone, hidden_circle
from domain.visibility import Audiences, Relation

SESSION = Session(
    workout_id="w",
    device_id="watch",
    time_us=1_795_000_000_000_000,
    sport="running",
    moving_time_s=600,
    distance_m=1_900.0,
    speed_m_s=3.1,
    heart_rate_bpm=165.0,
    cadence_rpm=85.0,
    latitude_deg=59.9,
    longitude_deg=10.7,
    altitude_m=120.0,
)
ATHLETE = Athlete(lthr_bpm=170.0)
HOME = hidden_circle(PrivacyZone("home", 59.9, 10.7, 800), b"k" * 32)
ALL = Audiences("everyone", "everyone", "everyone")


def seen(viewer: str | None, permission: Permission, session: Session = SESSION) -> LiveView | None:
    return live_view(session, "ada", viewer, permission, ATHLETE)


def figures(view: LiveView | None) -> dict[str, Any]:
    assert view is not None
    return {name: value for name, value in msgspec.to_builtins(view).items() if value is not None}


def test_athletes_see_all_of_their_own_with_the_zone_of_their_heart_rate() -> None:
    view = seen("ada", Permission(circles=[HOME]))
    assert view is not None
    assert (view.heart_rate_zone, view.distance_m, view.latitude_deg, view.in_privacy_zone) == (4, 1_900.0, 59.9, False)


@pytest.mark.parametrize("viewer", [None, "bob"])
def test_of_who_has_chosen_nothing_strangers_see_nothing(viewer: str | None) -> None:
    assert seen(viewer, NOTHING_KNOWN) is None


def test_followers_of_who_has_chosen_nothing_see_neither_place_nor_heart_rate() -> None:
    shown = figures(seen("bob", Permission(Relation(follows=True))))
    assert shown["speed_m_s"] == 3.1
    assert shown["distance_m"] == 1_900.0
    assert not shown.keys() & {"latitude_deg", "longitude_deg", "altitude_m", "heart_rate_bpm", "heart_rate_zone"}


def test_who_is_blocked_sees_nothing_of_what_everyone_sees() -> None:
    assert seen("bob", Permission(Relation(), ALL)) is not None
    assert seen("bob", Permission(Relation(blocked=True), ALL)) is None


@pytest.mark.parametrize(
    "session",
    [SESSION, msgspec.structs.replace(SESSION, latitude_deg=None, longitude_deg=None)],
    ids=["in the zone", "without a position"],
)
def test_in_a_privacy_zone_nothing_that_is_measured_is_shown(session: Session) -> None:
    assert figures(seen("bob", Permission(Relation(), ALL, [HOME]), session)) == {
        "user": "ada",
        "workout_id": "w",
        "time_us": SESSION.time_us,
        "sport": "running",
        "in_privacy_zone": True,
    }


def test_outside_of_a_privacy_zone_the_place_is_shown_and_how_far_the_whole_way_was_is_not() -> None:
    away = msgspec.structs.replace(SESSION, latitude_deg=59.95)
    shown = figures(seen("bob", Permission(Relation(), ALL, [HOME]), away))
    assert shown["latitude_deg"] == 59.95
    assert shown["heart_rate_zone"] == 4
    assert not shown.keys() & {"distance_m", "moving_time_s"}


@pytest.mark.parametrize(("bpm", "zone"), [(100.0, 1), (144.4, 1), (144.5, 2), (153.0, 3), (161.5, 4), (170.0, 5)])
def test_zones_begin_at_shares_of_the_threshold(bpm: float, zone: int) -> None:
    view = seen("ada", NOTHING_KNOWN, msgspec.structs.replace(SESSION, heart_rate_bpm=bpm))
    assert view is not None
    assert view.heart_rate_zone == zone
