"""Heart-rate variability at rest from the intervals between heart beats (RR), and its course over weeks.

The one way in is :func:`reading_of`: no figure is given out for intervals that were not looked through first. A heart
rate in bpm is a mean over several beats; what varies from beat to beat is gone from it. So intervals that were made of
bpm are refused, not computed on.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from domain.track import FloatColumn

MIN_RR_MS: Final = 300.0
MAX_RR_MS: Final = 2000.0
LOCAL_BEATS: Final = 11
LIMIT: Final = 0.20  # of the local median
PARTNER_LIMIT: Final = LIMIT / 2
MIN_DURATION_S: Final = 60.0
MAX_ARTEFACT_SHARE: Final = 0.05
MIN_MEDIAN_RR_MS: Final = 500.0  # 120 bpm
GAP_US: Final = 3_000_000
US_PER_MS: Final = 1_000

WEEK_DAYS: Final = 7
MIN_DAYS: Final = 3
MIN_BASE_DAYS: Final = 12
SWC_DEVIATIONS: Final = 0.5

# An interval of 60000 / bpm is stored in whole ms or, by Bluetooth and ANT+, in whole 1/1024 s: it comes out up to
# 1.5 ms too short (cut off, then rounded) or 1 ms too long (rounded twice).
_GRID_BELOW_MS: Final = 1.5
_GRID_ABOVE_MS: Final = 1.0
_GRID_SHARE: Final = 0.9

Fault = Literal["too_short", "too_many_artefacts", "not_at_rest", "made_of_bpm", "no_variation"]


@dataclass(frozen=True, slots=True)
class Variability:
    """What the accepted intervals of a reading give."""

    ln_rmssd: float  # natural logarithm of rmssd_ms
    rmssd_ms: float
    sdnn_ms: float
    pnn50_percent: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading: either ``variability`` or the ``fault`` for which there is none, and never both."""

    variability: Variability | None
    fault: Fault | None
    duration_s: float  # sum of the intervals within 300 to 2000 ms
    artefact_share: float  # of the intervals, 0..1; each gap counts as one interval


@dataclass(frozen=True, slots=True)
class Band:
    """Where ln rMSSD is as usual: from ``low`` to ``high``, ``mean`` in the middle."""

    mean: float
    low: float
    high: float


def with_gaps(rr_ms: FloatColumn, time_us: NDArray[np.int64]) -> FloatColumn:
    """Intervals (n,) with a NaN put in wherever beats are missing before one, so that no difference reaches across.

    ``time_us`` (n,) is the time of the sample next to which each interval was written (UTC, microseconds). Beats are
    missing where the time went on by over 3 s more than the interval lasted, or went back (a clock that was reset).
    That is this project's convention: devices write the beats of a second or two together, so a shorter gap cannot be
    told from a late message. Raises ``ValueError`` when the columns differ in length.
    """
    if len(rr_ms) != len(time_us):
        raise ValueError(f"{len(rr_ms)} intervals and {len(time_us)} times: give the time of each interval")
    step_us = np.diff(time_us)
    gap = (step_us < 0) | (step_us - rr_ms[1:] * US_PER_MS > GAP_US)
    return np.insert(rr_ms, np.flatnonzero(gap) + 1, np.nan)


def normal_intervals_ms(rr_ms: FloatColumn) -> FloatColumn:
    """Normal-to-normal intervals: ``rr_ms`` (n,) in the order of the beats, with every artefact as NaN; same shape.

    An interval is an artefact when it is outside of 300 to 2000 ms, or differs by more than 20 % from the median of the
    possible ones among the 11 around it, itself included (fewer at the ends). 20 % is the limit of Malik's filter
    (Malik et al. 1989, European Heart Journal 10:1060-1074), there against the interval before; the median of 11 beats
    is that of Lipponen and Tarvainen 2019, doi 10.1080/03091902.2019.1640306: unlike the interval before or the mean of
    two neighbours it does not carry a fault on to good beats.

    An ectopic beat makes one interval short and the next one long (the compensatory pause), and either may stay within
    the limit: so the neighbour of an artefact goes too when it differs by more than 10 % to the other side (this
    project's convention). Nothing is put in its place: an interpolated beat would be a smooth one and lower rMSSD.

    Criticism: a premature beat of less than 20 % stays in and one is enough to raise rMSSD much (Bourdillon et al.
    2022, doi 10.52082/jssm.2022.260); in the slow hearts of the very fit, breathing alone may go beyond 20 %, and then
    variation that is real is cut off.
    """
    possible = np.where((rr_ms >= MIN_RR_MS) & (rr_ms <= MAX_RR_MS), rr_ms, np.nan)
    half = LOCAL_BEATS // 2
    around = np.pad(possible, (half, half + 1), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(around, LOCAL_BEATS)[:-1]
    # Impossible intervals too: what is wrong with them goes on in their neighbours.
    known = np.flatnonzero(np.isfinite(rr_ms) & np.isfinite(windows).any(axis=1))
    departure = np.zeros(len(rr_ms))
    if len(known):
        departure[known] = rr_ms[known] / np.nanmedian(windows[known], axis=1) - 1.0
    misplaced = np.where(np.abs(departure) > LIMIT, np.sign(departure), 0.0)
    partner = np.zeros(len(rr_ms), dtype=np.bool_)
    partner[1:] |= misplaced[:-1] * departure[1:] < -PARTNER_LIMIT
    partner[:-1] |= misplaced[1:] * departure[:-1] < -PARTNER_LIMIT
    return np.where((misplaced != 0) | partner, np.nan, possible)


def reading_of(rr_ms: FloatColumn) -> Reading:
    """rMSSD, its logarithm, SDNN and pNN50 of intervals between beats ``rr_ms`` (n,), in their order, at rest; NaN
    where beats are missing (:func:`with_gaps`).

    Of the intervals that :func:`normal_intervals_ms` accepts: rMSSD = √ mean of (RR[i+1] - RR[i])² and pNN50 = share of
    |RR[i+1] - RR[i]| > 50 ms, over pairs that follow each other directly and never across a gap or an artefact; SDNN =
    sample standard deviation. Task Force of the ESC and NASPE 1996, doi 10.1161/01.CIR.93.5.1043.

    There is no figure, and the fault says why, when the reading

    - is ``too_short``: under 60 s (Esco, Flatt 2014, Journal of Sports Science and Medicine 13:535-541: 60 s agree with
      5 min, 10 and 30 s do less). A minute holds whole intervals of a minute less up to two, so those are allowed for;
    - has ``too_many_artefacts``: more than 5 % of the intervals, a limit that is customary and not derived;
    - is ``not_at_rest``: a median interval below 500 ms, over 120 bpm (this project's convention);
    - is ``made_of_bpm``: at least 90 % of the accepted intervals are 60000 / a whole number, as stored in whole ms or
      1/1024 s. By chance 60 % are so at 120 bpm and 15 % at 60 bpm;
    - has ``no_variation``: all differences are 0, as in no living heart without a pacemaker.

    So beats per minute that are passed by mistake are too short, and intervals that a device or a program made of them
    are refused. Devices do make them: of the five real recordings with intervals in the test data one is such a one.

    Criticism: heart rate, posture, breathing and the hour of the day change it too, so only readings made alike
    compare; in well-trained athletes with slow hearts it may fall as the vagus works more (saturation; Plews et
    al. 2013, doi 10.1007/s40279-013-0071-8). SDNN grows with the length of the reading. Intervals of a pulse at the
    wrist are less exact than those of an ECG, and those made of a smoothed bpm with decimals are not recognised.
    """
    nn_ms = normal_intervals_ms(rr_ms)
    accepted = nn_ms[np.isfinite(nn_ms)]
    possible = rr_ms[(rr_ms >= MIN_RR_MS) & (rr_ms <= MAX_RR_MS)]
    duration_s = float(possible.sum()) / 1000.0
    artefact_share = (len(rr_ms) - len(accepted)) / max(len(rr_ms), 1)
    variability: Variability | None = None
    fault = _fault(accepted, possible, duration_s, artefact_share)
    if fault is None:
        variability = _variability(nn_ms)
        fault = "no_variation" if variability is None else None
    return Reading(variability, fault, duration_s, artefact_share)


def _fault(accepted: FloatColumn, possible: FloatColumn, duration_s: float, artefact_share: float) -> Fault | None:
    if not len(possible) or duration_s + 2.0 * float(np.median(possible)) / 1000.0 < MIN_DURATION_S:
        return "too_short"
    if artefact_share > MAX_ARTEFACT_SHARE:
        return "too_many_artefacts"
    if float(np.median(accepted)) < MIN_MEDIAN_RR_MS:
        return "not_at_rest"
    return "made_of_bpm" if _made_of_bpm(accepted) else None


def _made_of_bpm(rr_ms: FloatColumn) -> bool:
    # From the middle of what storage leaves of it: the nearest bpm to a shortened interval may be the next one.
    middle = rr_ms + (_GRID_BELOW_MS - _GRID_ABOVE_MS) / 2.0
    off_ms = rr_ms - 60_000.0 / np.round(60_000.0 / middle)
    return float(np.mean((off_ms >= -_GRID_BELOW_MS) & (off_ms <= _GRID_ABOVE_MS))) >= _GRID_SHARE


def _variability(nn_ms: FloatColumn) -> Variability | None:
    difference_ms = np.diff(nn_ms)
    difference_ms = difference_ms[np.isfinite(difference_ms)]
    rmssd_ms = float(np.sqrt(np.square(difference_ms).mean()))
    if rmssd_ms == 0.0:
        return None
    return Variability(
        ln_rmssd=float(np.log(rmssd_ms)),
        rmssd_ms=rmssd_ms,
        sdnn_ms=float(np.nanstd(nn_ms, ddof=1)),
        pnn50_percent=100.0 * float(np.mean(np.abs(difference_ms) > 50.0)),
    )


def weekly_mean(daily_ln_rmssd: FloatColumn) -> FloatColumn:
    """Mean ln rMSSD of the last 7 days, today included; NaN with fewer than 3 valid days among them.

    ``daily_ln_rmssd`` (days,): one reading each local day, NaN on days without a valid one, which are left out and not
    taken as 0. Plews et al. 2014, doi 10.1123/ijspp.2013-0455: a mean of 3 days or more tells of training what 7 tell,
    a single day next to nothing.

    Criticism: that was found in trained triathletes with days taken at random; the days that an athlete skips are not
    random (travel, illness, a bad night).
    """
    mean, _ = _week(daily_ln_rmssd)
    return mean


def weekly_cv_percent(daily_ln_rmssd: FloatColumn) -> FloatColumn:
    """Coefficient of variation of ln rMSSD over the last 7 days: 100 · sample standard deviation / mean; NaN with
    fewer than 3 valid days, or a mean of 0 or less.

    ``daily_ln_rmssd`` (days,) as in :func:`weekly_mean`. Plews et al. 2012, doi 10.1007/s00421-012-2354-4.

    Criticism: a logarithm has no natural zero, so the same swings in per cent of rMSSD are a smaller coefficient for
    whom rMSSD is high; and of 3 days a deviation is a rough guess.
    """
    mean, deviation = _week(daily_ln_rmssd)
    cv_percent = np.full(len(mean), np.nan)
    np.divide(100.0 * deviation, mean, out=cv_percent, where=mean > 0)
    return cv_percent


def smallest_worthwhile_change(base_ln_rmssd: FloatColumn) -> Band | None:
    """The band of ln rMSSD within which a weekly mean has not changed: mean ± 0.5 sample standard deviations of the
    base period; ``None`` with fewer than 12 valid days in it.

    ``base_ln_rmssd`` (days,): the daily values of the base period, NaN unknown; four weeks are usual. Vesterinen et al.
    2016, doi 10.1249/MSS.0000000000000910, who held hard sessions only within such a band. 12 days (3 in each of four
    weeks) is this project's convention.

    Criticism: half a deviation is a convention for a small effect, not a level at which anything was seen to happen; a
    very steady athlete leaves the band by the error of measurement alone (Buchheit 2014, doi 10.3389/fphys.2014.00073),
    and a base period of illness or overload makes that the norm.
    """
    valid = base_ln_rmssd[np.isfinite(base_ln_rmssd)]
    if len(valid) < MIN_BASE_DAYS:
        return None
    mean, half = float(valid.mean()), SWC_DEVIATIONS * float(valid.std(ddof=1))
    return Band(mean, mean - half, mean + half)


def _week(daily: FloatColumn) -> tuple[FloatColumn, FloatColumn]:
    """Mean and sample deviation of the valid days of each last 7, (days,); NaN where they are too few."""
    padded = np.concatenate((np.full(WEEK_DAYS, np.nan), daily))
    weeks = np.lib.stride_tricks.sliding_window_view(padded, WEEK_DAYS)[1:]
    enough = np.isfinite(weeks).sum(axis=1) >= MIN_DAYS
    mean, deviation = np.full(len(daily), np.nan), np.full(len(daily), np.nan)
    mean[enough] = np.nanmean(weeks[enough], axis=1)
    deviation[enough] = np.nanstd(weeks[enough], axis=1, ddof=1)
    return mean, deviation
