"""Training load by local day: acute and chronic load, their ratios, monotony, strain, fitness and fatigue.

Every function takes ``daily`` with shape (days,): the load of each local day in order, 0 on days without
training, and returns a column of the same shape. Days before the first count as days without training. What
is undefined (a ratio to nothing) is NaN, never 0 or infinite.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

import numpy as np

from domain.track import FloatColumn

ACUTE_DAYS: Final = 7
CHRONIC_DAYS: Final = 28
FATIGUE_TAU_DAYS: Final = 7.0
FITNESS_TAU_DAYS: Final = 42.0


def session_rpe_load(rpe: float, duration_s: float) -> float:
    """Session load = RPE (CR-10, 0 to 10) × minutes.

    Foster et al. 2001, doi 10.1519/00124278-200102000-00019.

    Criticism: it is as good as the question that was asked, about half an hour after the session, on the same scale
    each time; athletes who know that they are judged by it answer accordingly.
    """
    return rpe * duration_s / 60.0


def daily_loads(facts: Iterable[tuple[date, float]], first: date, last: date) -> FloatColumn:
    """Sum the loads by local day for every day from ``first`` to ``last``, both included; other days are left
    out.

    Independent of the order of ``facts`` (summed in order of day and load). Raises ``ValueError`` when
    ``last`` is before ``first``.
    """
    if last < first:
        raise ValueError(f"the last day {last} is before the first day {first}: give them in order")
    daily = np.zeros((last - first).days + 1)
    for day, load in sorted(facts):
        if first <= day <= last:
            daily[(day - first).days] += load
    return daily


def rolling_sum(daily: FloatColumn, days: int) -> FloatColumn:
    """Sum over the last ``days`` days, today included.

    Made of sums of 1, 2, 4… days: a day's sum has the same bits whatever was before its window.
    """
    sums = np.zeros(len(daily))
    part = np.concatenate((np.zeros(days - 1), daily))
    taken, width = 0, 1
    while width <= days:
        if days & width:
            sums += part[taken : taken + len(daily)]
            taken += width
        part = part[:-width] + part[width:]
        width *= 2
    return sums


def rolling_mean(daily: FloatColumn, days: int) -> FloatColumn:
    """Mean over the last ``days`` days, today included."""
    return rolling_sum(daily, days) / days


def acwr_coupled(daily: FloatColumn) -> FloatColumn:
    """Acute:chronic workload ratio, mean of 7 days / mean of 28 days that contain them; NaN without chronic
    load.

    Hulin et al. 2014, doi 10.1136/bjsports-2013-092524.

    Criticism: the acute week is part of the chronic load that it is divided by, which correlates the two whatever the
    athlete does (Lolli et al. 2019, doi 10.1136/bjsports-2017-098110), and as a predictor of injury it adds nothing
    over acute load (Impellizzeri et al. 2020, doi 10.1123/ijspp.2019-0864): a description, not a risk.
    """
    return ratio(rolling_mean(daily, ACUTE_DAYS), rolling_mean(daily, CHRONIC_DAYS))


def acwr_uncoupled(daily: FloatColumn) -> FloatColumn:
    """Acute:chronic workload ratio, mean of 7 days / mean of the 21 days before them; NaN without chronic
    load.

    Lolli et al. 2019, doi 10.1136/bjsports-2017-098110.

    Criticism: uncoupling mends the correlation, not the lack of a cause (Impellizzeri et al. 2020, doi
    10.1123/ijspp.2019-0864); after a break the 21 days before are nearly nothing, and the ratio leaps.
    """
    before = CHRONIC_DAYS - ACUTE_DAYS
    chronic = (rolling_sum(daily, CHRONIC_DAYS) - rolling_sum(daily, ACUTE_DAYS)) / before
    return ratio(rolling_mean(daily, ACUTE_DAYS), np.where(chronic > 1e-9, chronic, 0.0))


def ewma(daily: FloatColumn, days: int, before: float = 0.0) -> FloatColumn:
    """Exponentially weighted mean, x ← λ load + (1 - λ) x, λ = 2 / (days + 1); x was ``before`` on the day before.

    As Williams et al. 2017 propose it for load, doi 10.1136/bjsports-2016-096589.

    Criticism: how fast it forgets is chosen with the days, not measured.
    """
    return _decayed(daily, 1.0 - 2.0 / (days + 1), before)


def acwr_ewma(daily: FloatColumn) -> FloatColumn:
    """Acute:chronic workload ratio of exponentially weighted means over 7 and 28 days; NaN without chronic
    load.

    Williams et al. 2017, doi 10.1136/bjsports-2016-096589.

    Criticism: as of the other ratios; and since both means begin at 0, it begins at 3.6 and means nothing in the first
    weeks of an athlete.
    """
    return ratio(ewma(daily, ACUTE_DAYS), ewma(daily, CHRONIC_DAYS))


def monotony(daily: FloatColumn) -> FloatColumn:
    """Mean of the last 7 days / their population standard deviation; NaN (undefined, not infinite) where the
    deviation is 0.

    Foster 1998, doi 10.1097/00005768-199807000-00023.

    Criticism: it grows without limit as days become alike, and says nothing of how hard they are: seven easy days in a
    row are the most monotonous. Programs differ in the deviation that they take (of the sample: 7 % lower).
    """
    mean = rolling_mean(daily, ACUTE_DAYS)
    padded = np.concatenate((np.zeros(ACUTE_DAYS - 1), daily))
    squares = np.zeros(len(daily))
    for day in range(ACUTE_DAYS):
        squares += np.square(padded[day : day + len(daily)] - mean)
    deviation = np.sqrt(squares / ACUTE_DAYS)
    return ratio(mean, np.where(deviation > 1e-9 * np.maximum(mean, 1.0), deviation, 0.0))


def strain(daily: FloatColumn) -> FloatColumn:
    """Load of the last 7 days × monotony; NaN where monotony is undefined.

    Foster 1998, doi 10.1097/00005768-199807000-00023.

    Criticism: it inherits monotony's lack of a limit: compare an athlete with themselves only.
    """
    return rolling_sum(daily, ACUTE_DAYS) * monotony(daily)


def fitness(daily: FloatColumn, tau_days: float = FITNESS_TAU_DAYS, before: float = 0.0) -> FloatColumn:
    """Chronic training load (CTL): x ← x e^(-1/τ) + load (1 - e^(-1/τ)), τ = 42 days; x was ``before`` on the day
    before.

    Banister's impulse response as simplified by Coggan (Allen, Coggan, McGregor 2019, ISBN 978-1-937715-93-9). 42 days
    of 100 from zero give 63.2.

    Criticism: 42 and 7 days are conventions, not the athlete's own constants, and it begins at 0 for whoever trained
    long before the first upload.
    """
    return _decayed(daily, float(np.exp(-1.0 / tau_days)), before)


def fatigue(daily: FloatColumn, before: float = 0.0) -> FloatColumn:
    """Acute training load (ATL): as :func:`fitness` with τ = 7 days.

    Allen, Coggan, McGregor 2019, ISBN 978-1-937715-93-9. Criticism: seven days are a convention; who recovers slowly is
    tired for longer.
    """
    return fitness(daily, FATIGUE_TAU_DAYS, before)


def form(daily: FloatColumn) -> FloatColumn:
    """Training stress balance (TSB): CTL - ATL of the day *before*; 0 on the first day.

    Allen, Coggan, McGregor 2019, ISBN 978-1-937715-93-9. Criticism: the difference of two averages of one load: it
    rises with every day of rest, however good that is for the athlete.
    """
    balance = fitness(daily) - fatigue(daily)
    return np.concatenate(([0.0], balance[:-1])) if len(balance) else balance


@dataclass(frozen=True, slots=True)
class LoadState:
    """The columns of this module at their last day; NaN is undefined."""

    acute_sum: float  # 7 days
    week_before_sum: float  # the 7 days before those
    chronic_sum: float  # 28 days
    acwr_uncoupled: float
    ewma_acute: float
    ewma_chronic: float
    fitness: float
    fatigue: float
    form: float
    monotony: float
    strain: float


def state_of(daily: FloatColumn) -> LoadState:
    """Everything as of the last of at least 28 days, (days,), without computing the columns before it.

    Equal to the last values of the columns to within rounding. Raises ``ValueError`` for fewer than 28 days.
    """
    if len(daily) < CHRONIC_DAYS:
        raise ValueError(f"{len(daily)} days of load: {CHRONIC_DAYS} are needed, put days without training before them")
    week = daily[-ACUTE_DAYS:]
    acute, chronic = float(week.sum()), float(daily[-CHRONIC_DAYS:].sum())
    before = (chronic - acute) / (CHRONIC_DAYS - ACUTE_DAYS)
    mean = acute / ACUTE_DAYS
    deviation = float(np.sqrt(np.square(week - mean).mean()))
    monotony_now = mean / deviation if deviation > 1e-9 * max(mean, 1.0) else np.nan
    decayed = (_decay_weights(len(daily)) * daily).sum(axis=1).tolist()
    return LoadState(
        acute_sum=acute,
        week_before_sum=float(daily[-2 * ACUTE_DAYS : -ACUTE_DAYS].sum()),
        chronic_sum=chronic,
        acwr_uncoupled=mean / before if before > 1e-9 else np.nan,
        ewma_acute=decayed[0],
        ewma_chronic=decayed[1],
        fitness=decayed[2],
        fatigue=decayed[3],
        form=decayed[4] - decayed[5],
        monotony=monotony_now,
        strain=acute * monotony_now,
    )


@lru_cache(maxsize=8)
def _decay_weights(days: int) -> FloatColumn:
    """Rows of weights (6, days): EWMA of 7 and 28 days, fitness, fatigue, and those two of the day before."""
    fit, tire = float(np.exp(-1.0 / FITNESS_TAU_DAYS)), float(np.exp(-1.0 / FATIGUE_TAU_DAYS))
    keep = np.array([1.0 - 2.0 / (ACUTE_DAYS + 1), 1.0 - 2.0 / (CHRONIC_DAYS + 1), fit, tire])[:, None]
    now = (1.0 - keep) * keep ** np.arange(days - 1, -1, -1)
    yesterday = np.hstack((now[2:, 1:], np.zeros((2, 1))))
    return np.vstack((now, yesterday))


def _decayed(daily: FloatColumn, keep: float, state: float) -> FloatColumn:
    states: list[float] = []
    for load in daily.tolist():
        state = state * keep + load * (1.0 - keep)
        states.append(state)
    return np.array(states, dtype=np.float64)


def ratio(over: FloatColumn, under: FloatColumn) -> FloatColumn:
    """One column (days,) by another; NaN where the other is 0."""
    result = np.full(len(over), np.nan)
    np.divide(over, under, out=result, where=under > 0)
    return result
