"""What a workout's samples say beyond its totals: intensity, efficiency, hills, and how far they can be trusted."""

from dataclasses import dataclass

import numpy as np

from domain.athlete import Athlete
from domain.cleaning import Cleaned
from domain.critical_power import xpower_w
from domain.distance import DistanceSeries
from domain.efficiency import aerobic_decoupling, efficiency_factor
from domain.grade import grade_adjusted_distance_m
from domain.quality import quality_of
from domain.sports import rule_of
from domain.threshold_evidence import ALL_OUT_S, all_out_heart_rate_bpm
from domain.timeline import Timeline, line_on_seconds
from domain.track import FloatColumn, Track


@dataclass(frozen=True, slots=True)
class Analysis:
    """Figures of one workout that need samples; ``None`` is unknown. Field names carry the units."""

    quality_score: float | None = None  # 0 to 100: domain.quality
    quality_reasons: tuple[str, ...] = ()  # what cost most, in words
    grade_adjusted_speed_m_s: float | None = None  # on foot: grade-adjusted distance / moving time
    xpower_w: float | None = None
    intensity_factor: float | None = None  # normalised power / threshold power
    variability_index: float | None = None  # normalised power / mean power
    efficiency_factor: float | None = None  # W on wheels, else m/min on foot, by bpm
    aerobic_decoupling: float | None = None  # share, of power on wheels, else of speed on foot
    heart_rate_load: float | None = None  # an hour at threshold heart rate is 100
    minutes_10_to_30_heart_rate_bpm: float | None = None  # mean: of a test all-out, the heart rate at threshold


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What the summary has found already of the cleaned track."""

    power_timer_w: FloatColumn  # for each second of timer time
    moving_time_s: float
    mean_heart_rate_bpm: float | None
    mean_power_w: float | None
    normalised_power_w: float | None
    heart_rate_load: float | None
    clock_was_reset: bool


def analyse(found: Cleaned, timeline: Timeline, sport: str, athlete: Athlete, measured: Measured) -> Analysis:
    """Analyse a cleaned workout; scores, watts and loads are rounded to 0.1, ratios and speeds to 0.001."""
    track = found.track
    if len(track) < 2:
        return Analysis()
    quality = quality_of(found, timeline, clock_was_reset=measured.clock_was_reset)
    body, metres, moving_s = rule_of(sport).body_group, found.series.cumulative_m, measured.moving_time_s
    level_m = grade_adjusted_distance_m(metres, track.altitude_m) if body == "foot" else None
    normalised, mean_hr = measured.normalised_power_w, measured.mean_heart_rate_bpm
    output: float | None = None
    column: FloatColumn | None = None
    if body == "wheel":
        output, column = normalised, track.power_w
    elif body == "foot" and moving_s > 0:
        output, column = float(metres[-1]) / moving_s * 60.0, _speed_m_s(track, found.series, timeline)
    decoupling = None if column is None else aerobic_decoupling(column, track.heart_rate_bpm, timeline.held_s)
    return Analysis(
        quality_score=round(quality.score, 1),
        quality_reasons=quality.reasons,
        grade_adjusted_speed_m_s=_ratio(level_m, moving_s),
        xpower_w=_rounded(xpower_w(measured.power_timer_w), 1),
        intensity_factor=_ratio(normalised, athlete.ftp_w),
        variability_index=_ratio(normalised, measured.mean_power_w),
        efficiency_factor=_rounded(efficiency_factor(output, mean_hr) if output and mean_hr else None, 3),
        aerobic_decoupling=_rounded(decoupling, 3),
        heart_rate_load=_rounded(measured.heart_rate_load, 1),
        minutes_10_to_30_heart_rate_bpm=_rounded(_settled_bpm(track.heart_rate_bpm, timeline), 1),
    )


def _settled_bpm(heart_rate_bpm: FloatColumn, timeline: Timeline) -> float | None:
    if timeline.offset_s[-1] - timeline.offset_s[0] < ALL_OUT_S - 1:
        return None
    return all_out_heart_rate_bpm(line_on_seconds(heart_rate_bpm, timeline.offset_s, ALL_OUT_S))


def _speed_m_s(track: Track, series: DistanceSeries, timeline: Timeline) -> FloatColumn:
    """The speed channel, else the metres from each sample to the next by the time that it stands for."""
    if np.isfinite(track.speed_m_s).any():
        return track.speed_m_s
    step_m = np.diff(series.cumulative_m, append=series.cumulative_m[-1])
    speed = np.full(len(step_m), np.nan)
    np.divide(step_m, timeline.held_s, out=speed, where=timeline.held_s > 0)
    return speed


def _ratio(over: float | None, under: float | None) -> float | None:
    return round(over / under, 3) if over and under else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
