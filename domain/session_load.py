"""The load of one workout on one scale, whatever was recorded: an hour at threshold is 100.

Loads of different methods are added up over days and weeks, so they must be of one size: an hour at threshold is 100 by
training stress score by its definition, about 170 by Banister's TRIMP, and 420 by RPE × minutes. The raw values are
kept beside it.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from domain.athlete import Athlete, Sex
from domain.load import session_rpe_load
from domain.power import training_stress_score
from domain.sports import rule_of
from domain.track import FloatColumn
from domain.trimp import banister_trimp, trimp_of_steady

LoadMethod = Literal["power_tss", "trimp", "srpe", "duration"]

# An hour at threshold is felt as about 7 of 10: the second threshold of Seiler and Kjerland 2006, doi
# 10.1111/j.1600-0838.2004.00418.x.
THRESHOLD_RPE: Final = 7.0
# Without heart rate, power or RPE: as at 70 % of threshold, an easy to steady session (100 * 0.7²).
UNKNOWN_LOAD_PER_HOUR: Final = 49.0
# A channel speaks for the whole workout when it was there for this share of timer time.
ENOUGH_OF_A_CHANNEL: Final = 2 / 3


@dataclass(frozen=True, slots=True)
class SessionLoad:
    """``load`` on the common scale and how it was found; the raw values of the methods that could be applied."""

    load: float
    method: LoadMethod
    tss: float | None
    trimp: float | None
    session_rpe: float | None
    heart_rate: float | None


def session_load(
    *,
    heart_rate_bpm: FloatColumn,
    power_w: FloatColumn,
    held_s: FloatColumn,
    normalised_w: float | None,
    timer_s: float,
    rpe: float | None,
    sport: str,
    athlete: Athlete,
    year: int,
) -> SessionLoad:
    """The load by the first method that can be applied; columns have shape (n,), faults as NaN.

    - ``power_tss``: training stress score from normalised power, on wheels (functional threshold power is a cyclist's)
      and with power for at least 2/3 of timer time;
    - ``trimp``: Banister's TRIMP × 100 / TRIMP of an hour at threshold heart rate, with heart rate for at least 2/3 of
      timer time; the rest is taken to be like it;
    - ``srpe``: session RPE (RPE × minutes) × 100 / (7 × 60);
    - ``duration``: 49 for each hour.

    All are scaled to 100 for an hour at threshold, a convention of this project. Criticism: that makes their figures
    alike, not their meaning: of one session they differ, so an athlete who buys a power meter has another load from
    that day on.
    """
    tss = trimp = None
    if normalised_w is not None and athlete.ftp_w and rule_of(sport).body_group == "wheel":
        tss = training_stress_score(timer_s, normalised_w, athlete.ftp_w)
    rest, highest = athlete.hr_rest_or_default(), athlete.hr_max_or_default(year)
    trimp = banister_trimp(heart_rate_bpm, held_s, rest, highest, athlete.sex)
    share = known_share(heart_rate_bpm, held_s, timer_s)
    hrss = None
    if trimp is not None and share >= ENOUGH_OF_A_CHANNEL:
        hrss = heart_rate_stress_score(
            trimp / min(share, 1.0), athlete.lthr_or_default(year), rest, highest, athlete.sex
        )
    srpe = None if rpe is None else session_rpe_load(rpe, timer_s)

    if tss is not None and known_share(power_w, held_s, timer_s) >= ENOUGH_OF_A_CHANNEL:
        return SessionLoad(tss, "power_tss", tss, trimp, srpe, hrss)
    if hrss is not None:
        return SessionLoad(hrss, "trimp", tss, trimp, srpe, hrss)
    if srpe is not None:
        return SessionLoad(100.0 * srpe / (THRESHOLD_RPE * 60.0), "srpe", tss, trimp, srpe, hrss)
    return SessionLoad(UNKNOWN_LOAD_PER_HOUR * timer_s / 3600.0, "duration", tss, trimp, srpe, hrss)


def heart_rate_stress_score(
    trimp: float, lthr_bpm: float, hr_rest_bpm: float, hr_max_bpm: float, sex: Sex
) -> float | None:
    """100 × TRIMP / TRIMP of an hour at the heart rate of the lactate threshold; ``None`` when that is nothing.

    A score of the size of the training stress score, from Banister's weights and the athlete's own threshold, as
    several training programs have it; not their "hrTSS", which takes a table of zones.

    Criticism: that of TRIMP, and an error of the threshold on top: 5 bpm too low score the same workout higher.
    """
    hour = trimp_of_steady(60.0, lthr_bpm, hr_rest_bpm, hr_max_bpm, sex)
    return 100.0 * trimp / hour if hour else None


def known_share(values: FloatColumn, held_s: FloatColumn, timer_s: float) -> float:
    """The share of timer time for which a channel (n,) is known; 0 without timer time."""
    return float(held_s @ np.isfinite(values)) / timer_s if timer_s > 0 else 0.0
