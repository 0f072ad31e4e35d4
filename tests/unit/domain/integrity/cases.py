"""Workouts made by hand, and what the rules say against them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from domain.athlete import Athlete
from domain.copies import Marked, first_lookalike
from domain.fingerprint import fingerprint_of
from domain.integrity import check
from domain.integrity_flags import Context, Flag, RuleName
from domain.summary import Stated, Summary, summarise
from domain.track import FloatColumn, Track, track_from_columns

START_US = 1_780_300_800_000_000
HOUR_US = 3_600_000_000
METRES_A_DEGREE = 111_195.08  # of latitude, on a sphere of 6,371,008.8 m
ANYONE = Athlete()  # 70 kg, heart rate 60 to 180: very light is up to 60 + 0.3 * 120 = 96 bpm


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


def marked(track: Track, *, user: str, accepted_us: int, workout_id: str = "w-0") -> Marked:
    """Somebody's workout that is all of a track."""
    ends = int(track.time_us[0]), int(track.time_us[-1])
    return Marked(user, workout_id, accepted_us, *ends, fingerprint_of(track))


def beside(track: Track, context: Context, *others: Marked) -> Context:
    """The context, with what the first of the others has in common with the track."""
    mine = Marked(
        context.user, context.workout_id, context.accepted_us, context.start_us, context.end_us, fingerprint_of(track)
    )
    return replace(context, lookalike=first_lookalike(mine, others))
