"""Where a page begins, which weeks it reads, and what a viewer is shown of a workout."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.visibility import Audiences
from schemas import hot
from schemas.types import TIME_MAX_US, TIME_MIN_US
from stridelog.errors import UserError
from stridelog.feed_pages import AHEAD_US, FIRST_WEEK, Circle, cursor, part_for, shown_workout, windows

NOW_US = 1_795_000_000_000_000


def test_a_cursor_is_a_place_in_the_feed_or_a_time() -> None:
    assert cursor("1795000000000000:8364a6fa", NOW_US) == (1_795_000_000_000_000, "8364a6fa")
    assert cursor("1970-01-01T00:00:01+00:00", NOW_US) == (1_000_000, "")
    assert cursor("1970-01-01T00:00:01", NOW_US) == (1_000_000, "")
    assert cursor("1970-01-01T01:00:01+01:00", NOW_US) == (1_000_000, "")
    assert cursor("0001-01-01T00:00:00+14:00", NOW_US) == (0, ""), "before anything there may be"


@pytest.mark.parametrize(("text", "day"), [("20261124", "2026-11-24"), ("2026-11-24", "2026-11-24")])
def test_a_bare_number_is_a_day_and_no_place(text: str, day: str) -> None:
    assert cursor(text, 2 * NOW_US) == cursor(f"{day}T00:00:00+00:00", 2 * NOW_US)


@pytest.mark.parametrize("text", ["x", "1795000000000000"])
def test_what_is_neither_is_a_mistake_that_says_what_is_meant(text: str) -> None:
    with pytest.raises(UserError, match="neither a time"):
        cursor(text, NOW_US)


@pytest.mark.parametrize("text", [None, "", "99999999999999999999:x", "9999-01-01T00:00:00"])
def test_no_page_begins_more_than_a_day_ahead(text: str | None) -> None:
    assert cursor(text, NOW_US) == (NOW_US + AHEAD_US, "~")


def test_the_earliest_workout_that_a_message_may_tell_of_is_in_the_first_week() -> None:
    assert FIRST_WEEK <= date(1970, 1, 1) + timedelta(microseconds=TIME_MIN_US) < FIRST_WEEK + timedelta(days=7)


@given(st.integers(0, (date(1970, 1, 1) + timedelta(microseconds=TIME_MAX_US) - FIRST_WEEK).days // 7))
def test_windows_are_all_weeks_once_newest_first(count: int) -> None:
    newest = FIRST_WEEK + timedelta(days=7 * count)
    weeks = [week for window in windows(newest) for week in window]
    assert weeks == [newest - timedelta(days=7 * back) for back in range(count + 1)]


def workout(**visibility: str) -> dict[str, Any]:
    summary = {
        "distance_m": 10_000.0,
        "mean_heart_rate_bpm": 150.0,
        "max_heart_rate_bpm": 170.0,
        "zone_basis": "heart_rate_max",
        "time_in_zones_s": [1.0],
        "zone_bounds": [120.0, 150.0],
        "energy_kcal": 700.0,
        "load": 50.0,
        "analysis": {"quality_score": 90.0, "heart_rate_load": 70.0, "efficiency_factor": 1.4},
    }
    own = {"device_id": "watch-3412", "channel_sources": [{"channel": "power_w", "workout_id": "8364a6fa"}]}
    return {"status": "counted", **own, "visibility": visibility, "summary": summary}


FAN = Circle("fan", follows={"ada": 1}, groups=frozenset({"club"}))
ADA = Circle("ada", groups=frozenset({"club"}), profile=Audiences("everyone", "only_me", "followers"))


def shown(viewer: Circle, owner: Circle = ADA, **visibility: str) -> dict[str, Any] | None:
    return shown_workout(workout(**visibility), viewer, owner)


def test_who_may_see_the_heart_rate_sees_all_figures_but_not_the_device() -> None:
    assert shown(FAN) == {"status": "counted", "summary": workout()["summary"]}


def test_who_may_not_see_the_heart_rate_sees_no_figure_that_is_read_from_it() -> None:
    for found in (shown(Circle("passer")), shown(FAN, heart_rate="only_me"), shown(Circle())):
        assert found is not None
        assert found["summary"] == {
            "distance_m": 10_000.0,
            "zone_basis": "heart_rate_max",
            "time_in_zones_s": [],
            "zone_bounds": [],
            "load": 50.0,
            "analysis": {"quality_score": 90.0},
        }


SHOWN = {  # also to who may not see the heart rate
    *("distance_m", "distance_source", "elapsed_s", "timer_time_s", "moving_time_s", "elevation_gain_m"),
    *("elevation_loss_m", "mean_power_w", "max_power_w", "normalised_power_w", "mean_speed_m_s", "max_speed_m_s"),
    *("mean_cadence_rpm", "time_in_zones_s", "zone_basis", "zone_bounds", "zones_set_by", "best_efforts", "load"),
    *("load_method", "tss", "session_rpe_load", "sample_count", "coverage", "analysis"),
    *("quality_score", "quality_reasons", "grade_adjusted_speed_m_s", "xpower_w", "intensity_factor"),
    "variability_index",
}


def test_of_every_figure_it_is_decided_whether_it_tells_the_heart_rate() -> None:
    summary: dict[str, Any] = dict.fromkeys(hot.Summary.__struct_fields__, 150.0)
    summary |= {"zone_basis": "power", "analysis": dict.fromkeys(hot.Analysis.__struct_fields__, 1.0)}
    document = {**workout(), "summary": summary}
    found = shown_workout(document, Circle("passer"), ADA)
    assert found is not None
    assert {*found["summary"], *found["summary"]["analysis"]} == SHOWN
    unknown = shown_workout({**document, "summary": {**summary, "mean_heart_rate_bpm": None}}, Circle("passer"), ADA)
    assert unknown is not None
    assert unknown["summary"]["energy_kcal"] == 150.0, "nobody measured a heart rate that it could be made of"


def test_who_may_not_see_the_workout_is_told_that_there_is_none() -> None:
    assert shown(FAN, workout="only_me") is None
    assert shown(Circle("fan", blocks={"ada"})) is None
    assert shown(Circle("passer"), workout="followers") is None
    assert shown(Circle("passer"), workout="group") is None
    assert shown(Circle("mate", groups=frozenset({"club"})), workout="group") is not None


def test_a_duplicate_is_its_athletes_own() -> None:
    duplicate = {**workout(), "status": "duplicate"}
    assert shown_workout(duplicate, FAN, ADA) is None
    assert shown_workout(duplicate, ADA, ADA) == duplicate


def test_where_a_zone_cuts_others_get_the_part_and_its_times_and_the_athlete_the_whole() -> None:
    part = {"start": 2, "end": 8, "summary": {"distance_m": 6_000.0, "mean_heart_rate_bpm": 150.0, "analysis": None}}
    document = {**workout(), "start": 1, "end": 9, "shown": part}
    assert shown_workout(document, FAN, ADA) == {"status": "counted", **part}
    found = shown_workout(document, Circle("passer"), ADA)
    assert found is not None
    assert found["summary"] == {"distance_m": 6_000.0, "analysis": {}}
    assert shown_workout(document, ADA, ADA) == document


def test_an_item_is_whole_for_its_athlete_only_and_in_the_order_that_others_see() -> None:
    item = {"athlete": "ada", "end_us": 8, "distance_m": 6_000.0, "whole": {"end_us": 9, "distance_m": 10_000.0}}
    assert part_for(item, ADA) == {"athlete": "ada", "end_us": 8, "distance_m": 10_000.0}
    for other in (FAN, Circle()):
        assert part_for(item, other) == {"athlete": "ada", "end_us": 8, "distance_m": 6_000.0}
