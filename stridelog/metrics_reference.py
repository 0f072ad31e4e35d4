"""docs/metrics.md: every formula, as its docstring says."""

import inspect
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from domain import (
    critical_power,
    distance,
    duplicates,
    efficiency,
    efforts,
    elevation,
    grade,
    load,
    moving,
    power,
    resting,
    session_load,
    strength,
    swim,
    threshold_evidence,
    thresholds,
    training_days,
    trimp,
    variability,
    wellness,
    zones,
)

HEADER: Final = """# Metrics

Generated from the docstrings in `domain/` by `stridelog schemas generate`: what each figure is, of what it is made, its
source, and what is known against it. Columns are one value a sample, (n,), or one a local day, (days,).
"""
ORACLE: Final = """
## Against published figures

SoccerMon (Midoglu et al. 2024) publishes two years of sessions of 27 players with the load figures that were made of
them. `python -m pytest tests/unit/domain/test_load.py` makes them from the sessions alone (tolerance 0.006 for ratios,
0.6 for loads), without the players 4051bba7 and 32fed4b3, whose figures are known to be of other sessions. Of the days
on which a figure is defined, these agree:

| | all 25 | the 24 without 5cd7a61b |
|---|---:|---:|
| load of 7 days | 98.93 % | 99.98 % |
| mean of 7 days | 99.66 % | 99.98 % |
| mean of 28 days, of 42 days | 99.53 % | 99.97 % |
| ACWR, coupled | 99.36 % | 99.97 % |
| monotony | 97.36 % | 99.97 % |

99.9 % of the weekly loads and 97.5 % of the monotonies were wanted: of all 25 that is missed, by the one player whose
sessions are not all published; no formula can make up for them. Every other day is explained, and the test fails on
one that is not:

* 7 August 2021 was published as 0 in every column: all that the 24 players have.
* 5cd7a61b: on 31 days the published load has sessions that the file of sessions lacks; figures that look back on such a
  day differ. From 31 March 2021 on the monotony is of the *sample* deviation (7 % lower); on 21 March 2020
  the ratio is that of means rounded to 0.01.

Session load is RPE × minutes on every session; strain is the published weekly load × the published monotony on every
day.
"""
_PARTS: Final[tuple[tuple[str, tuple[Callable[..., Any] | ModuleType, ...]], ...]] = (
    (
        "Distance, time, elevation",
        (
            distance.device_distance_m,
            distance.speed_distance_m,
            distance.gps_distance_m,
            moving.moving_time_s,
            elevation.gain_and_loss_m,
            grade.grade_adjusted_distance_m,
            grade.running_cost_minetti,
        ),
    ),
    ("Best efforts", (efforts.fastest, efforts.highest_mean)),
    (
        "Power",
        (
            power.normalised_power_w,
            power.intensity_factor,
            power.training_stress_score,
            power.energy_kcal,
            critical_power.xpower_w,
            critical_power.critical_power,
            critical_power.w_prime_balance_integral_j,
            critical_power.w_prime_balance_differential_j,
            critical_power.lowest_balance_j,
        ),
    ),
    (
        "Heart rate",
        (
            trimp.banister_trimp,
            trimp.weight,
            trimp.energy_kcal,
            efficiency.efficiency_factor,
            efficiency.aerobic_decoupling,
            resting.resting_heart_rate,
            resting.baseline_bpm,
            wellness.wellness_day,
        ),
    ),
    (
        "Heart-rate variability",
        (
            variability.with_gaps,
            variability.normal_intervals_ms,
            variability.reading_of,
            variability.weekly_mean,
            variability.weekly_cv_percent,
            variability.smallest_worthwhile_change,
        ),
    ),
    ("Zones", (zones.zones_of,)),
    (
        "Thresholds",
        (
            thresholds.estimated_history,
            thresholds.stated_history,
            critical_power.ftp_of_20_min_w,
            threshold_evidence.hour_speed_m_s,
            threshold_evidence.all_out_heart_rate_bpm,
            threshold_evidence.is_threshold_test,
        ),
    ),
    ("Swimming", (swim.pace_s_per_100_m, swim.swolf, swim.critical_swim_speed_m_s, swim.swim_stress_score)),
    (
        "Strength",
        (
            strength.volume_load_kg,
            strength.one_repetition_maximum_epley_kg,
            strength.one_repetition_maximum_brzycki_kg,
        ),
    ),
    (
        "Load of a session",
        (load.session_rpe_load, session_load.session_load, session_load.heart_rate_stress_score),
    ),
    (
        "Load over days",
        (
            load.daily_loads,
            load.rolling_sum,
            load.rolling_mean,
            load.acwr_coupled,
            load.acwr_uncoupled,
            load.ewma,
            load.acwr_ewma,
            load.monotony,
            load.strain,
            load.fitness,
            load.fatigue,
            load.form,
            training_days.run_spike,
        ),
    ),
    ("The same workout twice", (duplicates,)),
)
_ROLE: Final = re.compile(r":\w+:`(?:\w+\.)*(\w+)`")


def metrics_reference() -> str:
    """The text."""
    lines = [HEADER]
    for title, members in _PARTS:
        lines += [f"## {title}", ""]
        for member in members:
            if inspect.isfunction(member):
                lines += [f"### {member.__name__}", "", f"`{member.__module__}`", ""]
            lines += [_prose(inspect.getdoc(member) or ""), ""]
    return "\n".join(lines).rstrip() + "\n" + ORACLE


def _prose(doc: str) -> str:
    """A docstring as Markdown: a line for each paragraph and list entry."""
    text = _ROLE.sub(r"`\1`", doc).replace("``", "`")
    blocks = [re.sub(r"\n(?![-*] |\d+\. )\s*", " ", block) for block in re.split(r"\n\s*\n", text)]
    return "\n\n".join(blocks)
