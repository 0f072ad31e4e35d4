"""What others see of a workout is of the part outside of all circles, and nothing of what the device stated."""

from typing import Any

import numpy as np
import pytest

from domain.athlete import Athlete
from domain.privacy_zones import PrivacyZone
from domain.shown import ZoneChange, circles_in_force, part_for_others
from domain.summary import Stated
from domain.track import NO_SAMPLES, Track, track_from_columns

KEY = bytes(range(32))
HOME = PrivacyZone("10000000-0000-4000-8000-000000000000", 60.0, 10.0, 400)
START_US = 1_795_000_000_000_000
SECONDS = 3_600
DEGREE_M = 111_195.0


def zone(time_us: int, zone: PrivacyZone | None, event_id: str = "a") -> ZoneChange:
    return ZoneChange(event_id, time_us, HOME.zone_id, zone)


CIRCLES = circles_in_force([zone(1, HOME)], KEY)


def track(*, positions: bool = True, away_m: float = 0.0) -> Track:
    """An hour at 3 m/s straight north of home, uphill."""
    seconds = np.arange(SECONDS)
    columns: dict[str, Any] = {"distance_m": 3.0 * seconds, "altitude_m": 100 + seconds / 10}
    if positions:
        columns |= {
            "latitude_deg": HOME.latitude_deg + (away_m + 3.0 * seconds) / DEGREE_M,
            "longitude_deg": np.full(SECONDS, HOME.longitude_deg),
        }
    return track_from_columns(START_US + seconds * 1_000_000, **columns)


def shown(samples: Track, circles: Any = CIRCLES, **changes: Any) -> Any:
    workout: dict[str, Any] = {
        "sport": "running",
        "start_us": START_US,
        "end_us": START_US + SECONDS * 1_000_000,
        "pauses": (),
        "athlete": Athlete(),
        "stated": Stated(distance_m=12_345.0, timer_time_s=1_000.0, ascent_m=360.0),
        "rpe": None,
    }
    return part_for_others("w", samples, circles, **(workout | changes))


def test_without_zones_or_far_from_them_others_see_all_of_it() -> None:
    assert shown(track(), []) is None
    assert shown(track(away_m=5_000)) is None


def test_where_a_circle_cuts_the_figures_are_of_what_is_left() -> None:
    part = shown(track())
    assert START_US < part.start_us < part.end_us < START_US + SECONDS * 1_000_000
    seconds = (part.end_us - part.start_us) / 1e6
    assert part.summary.distance_m == pytest.approx(3.0 * seconds, rel=0.01)
    assert part.summary.elapsed_s == part.summary.timer_time_s == pytest.approx(seconds, abs=0.1)
    assert part.summary.distance_m < 3.0 * SECONDS - 100  # 0.25 of the radius is hidden at least


def test_pauses_within_what_is_hidden_are_not_told() -> None:
    hidden = (START_US + 10_000_000, START_US + 20_000_000)
    assert shown(track(), pauses=(hidden,)) == shown(track())


def test_a_workout_that_never_leaves_has_no_figures() -> None:
    near = track_from_columns(
        START_US + np.arange(60) * 1_000_000,
        latitude_deg=np.full(60, HOME.latitude_deg),
        longitude_deg=np.full(60, HOME.longitude_deg),
        distance_m=np.arange(60, dtype=np.float64),
    )
    part = shown(near, rpe=5.0)
    assert (part.summary.distance_m, part.summary.elapsed_s, part.summary.load) == (0, 0, 0)


@pytest.mark.parametrize("samples", [track(positions=False), NO_SAMPLES])
def test_without_positions_only_the_climb_goes(samples: Track) -> None:
    part = shown(samples)
    assert part.summary.elevation_gain_m is None
    assert part.summary.distance_m > 10_000
    assert (part.start_us, part.end_us) == (START_US, START_US + SECONDS * 1_000_000)


def test_the_last_word_on_a_zone_holds_and_at_the_same_time_the_one_that_hides() -> None:
    assert circles_in_force([zone(2, None), zone(1, HOME)], KEY) == []
    assert circles_in_force([zone(2, None, "b"), zone(2, HOME, "a")], KEY) == CIRCLES
