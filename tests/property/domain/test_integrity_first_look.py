"""The first look never hides a flag: with and without it the rules say the same."""

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

from domain.athlete import Athlete
from domain.integrity import RULES, check
from domain.integrity_first_look import FIRST_LOOKS
from domain.integrity_flags import Case, Context
from domain.integrity_limits import race_of
from domain.integrity_motion import motion_of
from domain.summary import Stated, summarise
from domain.track import FloatColumn, Track, track_from_columns

START_US = 1_780_300_800_000_000
METRES_A_DEGREE = 111_195.08
SPORTS = st.sampled_from(("running", "cycling", "mountain_biking", "skating", "swimming", "ebike", "other"))
# Beside the limits of the rules, in m/s: at rest on foot and wheels, records of a minute, five and twenty.
FAST = (3.0, 4.9, 5.1, 6.9, 7.1, 7.7, 9.9, 12.4, 12.6, 19.8, 20.1, 24.7, 25.0, 28.5)
RISES = (-0.5, 0.0, 0.0, 0.13, 0.15, 0.27, 0.3, 0.68, 0.72, 0.76, 0.8)


@st.composite
def tracks(draw: st.DrawFn) -> Track:
    """A stretch near the limits of the rules between two sound ones: on foot, by bicycle, by car or by lift, with gaps,
    jumps and noise.
    """
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spans = (draw(st.integers(0, 200)), draw(st.sampled_from((50, 58, 65, 280, 320, 1250, 1500))), 200)

    def column(sound: float, *values: float) -> FloatColumn:
        return np.repeat((sound, draw(st.sampled_from(values)), sound), spans)

    speed = column(3.0, *FAST)
    n = len(speed)
    halts = noise.random(n) < draw(st.sampled_from((0.0, 0.05, 0.09)))
    every_s = draw(st.sampled_from((1, 1, 1, 3)))
    steps_s = np.full(n, every_s)
    steps_s[draw(st.integers(0, n - 1))] += draw(st.sampled_from((0, 0, 50, 70, 4000)))
    seconds = np.cumsum(steps_s)
    metres = np.cumsum(np.where(halts, 0.0, speed) * every_s)
    channels = {
        "heart_rate_bpm": column(150.0, np.nan, 80.0, 95.5, 96.5, 150.0),
        "altitude_m": np.cumsum(column(0.0, *RISES) * every_s),
        "power_w": column(*draw(st.sampled_from(((np.nan, np.nan), (200.0, 100.0), (200.0, 60.0), (200.0, 700.0))))),
    }
    known = draw(st.sampled_from(("positions", "speed", "counter", "all")))
    if known in ("speed", "all"):
        channels["speed_m_s"] = np.where(halts, 0.0, speed)
    if known in ("counter", "all"):
        channels["distance_m"] = metres
    if known in ("positions", "all"):
        jumped = np.where(np.arange(n) >= n // 2, draw(st.sampled_from((0.0, 0.0, 0.004, 0.006, 0.02))), 0.0)
        wander = noise.normal(0, draw(st.sampled_from((0.0, 2.0, 8.0))), (2, n)) / METRES_A_DEGREE
        channels["latitude_deg"] = draw(st.sampled_from((-0.01, 46.0))) + metres / METRES_A_DEGREE + jumped + wander[0]
        channels["longitude_deg"] = 15.0 + wander[1]
    lost = noise.random(n) < draw(st.sampled_from((0.0, 0.0, 0.05)))
    for values in channels.values():
        values[lost] = np.nan
    return track_from_columns(START_US + seconds * 1_000_000, **channels)


@settings(max_examples=100, deadline=None)
@given(
    tracks(),
    SPORTS,
    st.builds(
        Athlete,
        sex=st.sampled_from(("female", "male", "unspecified")),
        mass_kg=st.sampled_from((None, 55.0, 90.0)),
        hr_rest_bpm=st.sampled_from((None, 45.0)),
    ),
)
def test_the_rules_say_the_same_with_and_without_the_first_look(track: Track, sport: str, athlete: Athlete) -> None:
    first_us, last_us = int(track.time_us[0]), int(track.time_us[-1])
    summary = summarise(
        track, sport=sport, start_us=first_us, end_us=last_us, pauses=(), athlete=athlete, stated=Stated(), rpe=None
    )
    context = Context("me", "w-1", START_US, first_us, last_us)
    case = Case(track, summary, sport, race_of(sport), athlete, context, motion_of(track))
    alone = tuple(flag for rule in RULES.values() if (flag := rule(case)) is not None)
    assert check(track, summary, sport, athlete, context) == alone
    for flag in alone:
        event(flag.rule)
    hidden = {name for name, may_fire in FIRST_LOOKS.items() if not may_fire(case)}
    assert not hidden & {flag.rule for flag in alone}
