"""Places: kilometres jumped, and an athlete in two places at once."""

from dataclasses import replace

import numpy as np

from domain.integrity_flags import Elsewhere, Flag, RuleName
from domain.track import Track

from .cases import HOUR_US, START_US, context_of, flags, moving, wobbling


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
