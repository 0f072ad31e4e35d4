"""The summary of one workout: everything that boards, feeds, load and features take from its samples.

All figures are those of the track that :mod:`domain.cleaning` leaves. A pure function of the samples, the stated totals
and the athlete, rounded, so that recomputing it gives the same bits: metres, seconds, watts and bpm to 0.1, speeds to
0.001 m/s, load to 0.01, coverage to 0.001.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from domain import power as power_formulas
from domain import trimp as trimp_formulas
from domain.analysis import Analysis, Measured, analyse
from domain.athlete import Athlete
from domain.cleaning import cleaned, speed_across_spikes
from domain.distance import DistanceSeries, DistanceSource, on_seconds
from domain.efforts import DISTANCES, DURATIONS, MAX_SPAN_S, BestEffort, fastest, highest_mean
from domain.elevation import gain_and_loss_m
from domain.moving import moving_time_s
from domain.session_load import LoadMethod, session_load
from domain.sports import rule_of
from domain.timeline import Timeline, timeline_of, weighted_mean
from domain.track import US_PER_S, FloatColumn, Track
from domain.zones import ZoneBasis, ZoneSetting, zones_of

# A device may note its last samples a little after the workout's end; what is farther off comes from a wrong clock.
WINDOW_SLACK_US: Final = 10 * US_PER_S
# With fewer samples than this share of timer time, totals that the device stated are nearer the truth.
ENOUGH_COVERAGE: Final = 0.9


# What a summary may hold at most: beyond, an optional figure is unknown and a required one is cut.
MOST_METRES: Final = 10_000_000.0
MOST_CLIMB_M: Final = 100_000.0
MOST_SPEED_M_S: Final = 100.0
MOST_ENERGY_KCAL: Final = 100_000.0
MOST_LOAD: Final = 1_000_000.0


@dataclass(frozen=True, slots=True)
class Stated:
    """Totals that the device or app stated for the whole workout; ``None`` where it stated nothing."""

    distance_m: float | None = None
    timer_time_s: float | None = None
    moving_time_s: float | None = None
    elapsed_s: float | None = None
    ascent_m: float | None = None
    descent_m: float | None = None
    energy_kcal: float | None = None
    mean_heart_rate_bpm: float | None = None
    max_heart_rate_bpm: float | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals, means, bests and load of one workout; ``None`` is unknown. Field names carry the units."""

    distance_m: float
    distance_source: DistanceSource
    elapsed_s: float
    timer_time_s: float
    moving_time_s: float
    elevation_gain_m: float | None
    elevation_loss_m: float | None
    mean_heart_rate_bpm: float | None
    max_heart_rate_bpm: float | None
    mean_power_w: float | None
    max_power_w: float | None
    normalised_power_w: float | None
    mean_speed_m_s: float | None  # distance / timer time
    max_speed_m_s: float | None
    mean_cadence_rpm: float | None  # while turning or stepping: zeros do not count
    energy_kcal: float | None
    time_in_zones_s: tuple[float, ...]  # five zones or as the athlete set them; empty when zone_basis is "none"
    zone_basis: ZoneBasis
    best_efforts: tuple[BestEffort, ...]
    load: float  # on one scale: an hour at threshold is 100
    load_method: LoadMethod
    tss: float | None
    trimp: float | None
    session_rpe_load: float | None
    sample_count: int
    coverage: float  # share of timer time for which there are samples
    zone_bounds: tuple[float, ...] = ()  # upper ones, of all zones but the last: bpm, W or m/s
    zones_set_by: str | None = None  # the event that set the zones; ``None``: the standard zones
    analysis: Analysis | None = None  # ``None`` in what was summarised before there was one


def summarise(
    track: Track,
    *,
    sport: str,
    start_us: int,
    end_us: int,
    pauses: Sequence[tuple[int, int]],
    athlete: Athlete,
    stated: Stated,
    rpe: float | None,
    zone_setting: ZoneSetting | None = None,
    clock_was_reset: bool = False,
) -> Summary:
    """Summarise the samples of a workout from ``start_us`` to ``end_us`` (UTC, microseconds); ``pauses`` are
    in the same time. ``zone_setting`` are the zones that the athlete set for the sport, if any.

    Samples more than 10 s outside of the workout are left out; those of a clock that was reset are where they belong by
    now (:func:`domain.clock.placed`), and ``clock_was_reset`` says so. A track without samples (manual entry, or they
    are not here yet) gives the stated totals. How the load is found says :mod:`domain.session_load`.
    """
    rule = rule_of(sport)
    track = track.between(start_us - WINDOW_SLACK_US, end_us + WINDOW_SLACK_US)
    timeline = timeline_of(track, start_us, end_us, pauses)
    found = cleaned(track, timeline, sport)
    track, series = found.track, found.series
    timer_s = _timer_time_s(timeline, stated, paused=bool(pauses))
    held_s = timeline.held_s
    coverage = min(1.0, float(held_s.sum()) / timer_s) if timer_s > 0 and len(track) > 1 else 0.0
    distance_m, source = _distance(series, stated, coverage)
    year = datetime.fromtimestamp(start_us // US_PER_S, UTC).year

    speed = speed_across_spikes(found, timeline)
    moving_s = _moving_time_s(series, speed, timeline, timer_s, stated, coverage, sport)
    mean_hr = weighted_mean(track.heart_rate_bpm, held_s)
    mean_w = weighted_mean(track.power_w, held_s)
    watts_s = power_formulas.power_on_timer_seconds(track.power_w, timeline) if mean_w is not None else np.empty(0)
    normalised_w = power_formulas.normalised_power_w(watts_s)
    climbed = gain_and_loss_m(track.altitude_m, timeline.offset_s) if rule.climbs else None

    load = session_load(
        heart_rate_bpm=track.heart_rate_bpm,
        power_w=track.power_w,
        held_s=held_s,
        normalised_w=normalised_w,
        timer_s=timer_s,
        rpe=rpe,
        sport=sport,
        athlete=athlete,
        year=year,
    )
    zones = zones_of(
        heart_rate_bpm=track.heart_rate_bpm,
        power_w=track.power_w,
        speed_m_s=track.speed_m_s,
        held_s=held_s,
        sport=sport,
        athlete=athlete,
        year=year,
        setting=zone_setting,
    )

    measured = Measured(
        power_timer_w=watts_s,
        moving_time_s=moving_s,
        mean_heart_rate_bpm=mean_hr,
        mean_power_w=mean_w,
        normalised_power_w=normalised_w,
        heart_rate_load=load.heart_rate,
        clock_was_reset=clock_was_reset,
    )
    return Summary(
        distance_m=round(min(distance_m, MOST_METRES), 1),
        distance_source=source,
        elapsed_s=round(timeline.elapsed_s, 1),
        timer_time_s=round(timer_s, 1),
        moving_time_s=round(moving_s, 1),
        elevation_gain_m=_possible(climbed[0] if climbed else stated.ascent_m, 1, MOST_CLIMB_M),
        elevation_loss_m=_possible(climbed[1] if climbed else stated.descent_m, 1, MOST_CLIMB_M),
        mean_heart_rate_bpm=_rounded(stated.mean_heart_rate_bpm if mean_hr is None else mean_hr, 1),
        max_heart_rate_bpm=_rounded(stated.max_heart_rate_bpm if mean_hr is None else _max(track.heart_rate_bpm), 1),
        mean_power_w=_rounded(mean_w, 1),
        max_power_w=_rounded(None if mean_w is None else _max(track.power_w), 1),
        normalised_power_w=_rounded(normalised_w, 1),
        mean_speed_m_s=_possible(distance_m / timer_s if timer_s > 0 and distance_m > 0 else None, 3, MOST_SPEED_M_S),
        max_speed_m_s=_possible(_max_speed_m_s(track.speed_m_s, series, timeline), 3, MOST_SPEED_M_S),
        mean_cadence_rpm=_rounded(_mean_cadence_rpm(track.cadence_rpm, held_s), 1),
        energy_kcal=_possible(
            _energy_kcal(stated, mean_w if rule.body_group == "wheel" else None, mean_hr, timer_s, athlete, year),
            1,
            MOST_ENERGY_KCAL,
        ),
        time_in_zones_s=tuple(round(seconds, 1) for seconds in zones.seconds),
        zone_basis=zones.basis,
        best_efforts=_best_efforts(series, track.power_w, timeline, start_us, has_power=mean_w is not None),
        load=round(min(load.load, MOST_LOAD), 2),
        load_method=load.method,
        tss=_possible(load.tss, 2, MOST_LOAD),
        trimp=_possible(load.trimp, 2, MOST_LOAD),
        session_rpe_load=_possible(load.session_rpe, 2, MOST_LOAD),
        sample_count=len(track),
        coverage=round(coverage, 3),
        zone_bounds=zones.upper_bounds,
        zones_set_by=zones.set_by,
        analysis=analyse(found, timeline, sport, athlete, measured),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _possible(value: float | None, digits: int, most: float) -> float | None:
    """Rounded, or unknown where input that passed every check one by one gives together what cannot be."""
    return None if value is None or value > most else round(value, digits)


def _max(values: FloatColumn) -> float:
    return float(np.fmax.reduce(values))


def _timer_time_s(timeline: Timeline, stated: Stated, *, paused: bool) -> float:
    """Elapsed time less the pauses; without known pauses, what the device stated if that can be true."""
    timer_s = stated.timer_time_s or 0.0
    possible = 0 < timer_s <= timeline.elapsed_s or (timer_s > 0 and timeline.elapsed_s == 0)
    if possible and not paused:
        return timer_s
    return timeline.timer_time_s


def _distance(series: DistanceSeries, stated: Stated, coverage: float) -> tuple[float, DistanceSource]:
    if stated.distance_m is not None and stated.distance_m >= 0:
        incomplete = coverage < ENOUGH_COVERAGE and stated.distance_m > series.total_m
        if series.source == "none" or incomplete:
            return stated.distance_m, "stated" if stated.distance_m > 0 else "none"
    return series.total_m, series.source


def _moving_time_s(
    series: DistanceSeries,
    speed: FloatColumn,
    timeline: Timeline,
    timer_s: float,
    stated: Stated,
    coverage: float,
    sport: str,
) -> float:
    measured = None
    if coverage >= ENOUGH_COVERAGE or stated.moving_time_s is None:
        measured = moving_time_s(series.cumulative_m, speed, timeline, sport)
    if measured is None:
        measured = stated.moving_time_s if stated.moving_time_s is not None else timer_s
    return min(measured, timer_s)


def _max_speed_m_s(speed: FloatColumn, series: DistanceSeries, timeline: Timeline) -> float | None:
    """Highest speed of the channel, else of five seconds of distance."""
    highest = _max(speed) if len(speed) else np.nan
    if np.isfinite(highest):
        return highest
    if series.total_m <= 0 or timeline.offset_s[-1] - timeline.offset_s[0] > MAX_SPAN_S:
        return None
    metres = on_seconds(series.cumulative_m, timeline)
    return float((metres[5:] - metres[:-5]).max()) / 5.0 if len(metres) > 5 else None


def _mean_cadence_rpm(cadence: FloatColumn, held_s: FloatColumn) -> float | None:
    turning = cadence > 0
    seconds = float(held_s @ turning)
    return float(np.where(turning, cadence, 0.0) @ held_s) / seconds if seconds > 0 else None


def _energy_kcal(
    stated: Stated, mean_w: float | None, mean_hr: float | None, timer_s: float, athlete: Athlete, year: int
) -> float | None:
    """What the device stated, else from work on wheels, else from heart rate, else unknown."""
    if stated.energy_kcal:  # apps that do not know it state 0
        return stated.energy_kcal
    if mean_w is not None:
        return power_formulas.energy_kcal(mean_w, timer_s)
    if mean_hr is not None:
        return trimp_formulas.energy_kcal(
            mean_hr, timer_s, athlete.mass_or_default(), athlete.age_or_default(year), athlete.sex
        )
    return None


def _best_efforts(
    series: DistanceSeries, watts: FloatColumn, timeline: Timeline, start_us: int, *, has_power: bool
) -> tuple[BestEffort, ...]:
    if len(timeline.offset_s) < 2 or timeline.offset_s[-1] - timeline.offset_s[0] > MAX_SPAN_S:
        return ()
    first_us = start_us + round(float(timeline.offset_s[0]) * US_PER_S)
    efforts: list[BestEffort] = []
    if series.total_m >= DISTANCES[0][1]:
        found = fastest(on_seconds(series.cumulative_m, timeline), [metres for _, metres in DISTANCES])
        for (name, metres), best in zip(DISTANCES, found, strict=True):
            if best is not None:
                begin_us = first_us + round(best[1], 1) * US_PER_S
                efforts.append(BestEffort("distance", name, round(best[0], 1), metres, None, int(begin_us)))
    if has_power:
        means = highest_mean(power_formulas.power_on_elapsed_seconds(watts, timeline), [s for _, s in DURATIONS])
        for (name, seconds), mean in zip(DURATIONS, means, strict=True):
            if mean is not None:
                begin_us = first_us + mean[1] * US_PER_S
                efforts.append(BestEffort("power", name, float(seconds), None, round(mean[0], 1), int(begin_us)))
    return tuple(efforts)
