"""Resting heart rate of a local day from its minutes of wear, and what is usual for the athlete."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.rollups import US_PER_MINUTE
from domain.track import FloatColumn
from domain.trimp import clean_heart_rate_bpm

WINDOW_MINUTES: Final = 30
MIN_KNOWN_MINUTES: Final = 24  # of the window
MIN_KNOWN_S: Final = 30.0  # of a minute
SMOOTHED_MINUTES: Final = 5
MIN_SMOOTHED: Final = 3
MIN_WORN_MINUTES: Final = 600
MAX_DAY_MINUTES: Final = 25 * 60  # the day on which the clocks go back

BASELINE_DAYS: Final = 7
MIN_BASELINE_DAYS: Final = 3


@dataclass(frozen=True, slots=True)
class RestingHeartRate:
    """The resting heart rate of a day, and where it was found."""

    bpm: float
    from_us: int  # first minute of the half hour, UTC µs
    worn_minutes: int


def resting_heart_rate(
    minute_us: NDArray[np.int64], mean_bpm: FloatColumn, known_s: FloatColumn
) -> RestingHeartRate | None:
    """The lowest mean heart rate over 30 minutes of a local day; ``None`` when the device was worn for less than 10
    hours or for no half hour of them well enough.

    The minutes of one local day, all (n,): ``minute_us`` their starts (UTC, microseconds, rising; minutes may be
    missing), ``mean_bpm`` the mean heart rate (NaN unknown), ``known_s`` for how many of its seconds the heart rate is
    known. Raises ``ValueError`` for columns of different lengths, minutes that do not rise, or more than 25 hours.

    The rule is this project's convention. A minute is known, and the device worn, with 30 s of a heart rate of 25 to
    240 bpm. Each known minute is replaced by the median of the 5 around it, of which 3 must be known: one or two low
    outliers and a lone minute between dropouts do not count. A window counts with 24 of its 30 minutes. The lowest one
    is taken to be rest, since minutes say nothing of movement: Speed et al. 2023, doi 10.1371/journal.pdig.0000236,
    also take the lowest rate of 24 hours, and found it mostly between 3 and 7 in the morning. 10 hours are the usual
    least wear of a valid day (Troiano et al. 2008, doi 10.1249/mss.0b013e31815a51b3).

    Criticism: there is no agreed definition, and a window of another length gives another figure: compare an athlete
    with themselves and one rule. Worn by day only it is higher than with the night (by 4 bpm in Speed et al.), which
    ``from_us`` tells; a sensor that shows a low rate for minutes on end, off the wrist, is believed.
    """
    if not len(minute_us) == len(mean_bpm) == len(known_s):
        raise ValueError(
            f"{len(minute_us)} minutes, {len(mean_bpm)} heart rates, {len(known_s)} seconds: give columns of one length"
        )
    minute = minute_us // US_PER_MINUTE
    if bool(np.any(np.diff(minute) <= 0)):
        raise ValueError("the minutes must rise from row to row: sort them and merge double minutes first")
    if len(minute) and minute[-1] - minute[0] >= MAX_DAY_MINUTES:
        raise ValueError(
            f"the minutes span {minute[-1] - minute[0] + 1} minutes, a day has at most {MAX_DAY_MINUTES}: "
            "give the minutes of one local day"
        )
    bpm = np.where(known_s >= MIN_KNOWN_S, clean_heart_rate_bpm(mean_bpm), np.nan)
    worn_minutes = int(np.isfinite(bpm).sum())
    if worn_minutes < MIN_WORN_MINUTES:
        return None
    day = np.full(int(minute[-1] - minute[0]) + 1, np.nan)
    day[minute - minute[0]] = bpm
    windows = np.lib.stride_tricks.sliding_window_view(_smoothed(day), WINDOW_MINUTES)
    enough = np.flatnonzero(np.isfinite(windows).sum(axis=1) >= MIN_KNOWN_MINUTES)
    if not len(enough):
        return None
    means = np.nanmean(windows[enough], axis=1)
    lowest = int(means.argmin())
    from_us = int(minute[0] + enough[lowest]) * US_PER_MINUTE
    return RestingHeartRate(float(means[lowest]), from_us, worn_minutes)


def _smoothed(day: FloatColumn) -> FloatColumn:
    """Each known minute as the median of those known around it, NaN where they are too few."""
    around = np.pad(day, SMOOTHED_MINUTES // 2, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(around, SMOOTHED_MINUTES)
    trusted = np.isfinite(day) & (np.isfinite(windows).sum(axis=1) >= MIN_SMOOTHED)
    smoothed = np.full(len(day), np.nan)
    smoothed[trusted] = np.nanmedian(windows[trusted], axis=1)
    return smoothed


def baseline_bpm(daily_bpm: FloatColumn) -> FloatColumn:
    """What is usual for the athlete: the median resting heart rate of the 7 days *before* each day, (days,); NaN with
    fewer than 3 known days among them.

    ``daily_bpm`` (days,): the resting heart rate of each local day, NaN unknown. Today is left out, so that a day is
    not compared with itself; a median, so that one night of fever or drink does not move it. This project's convention.

    Criticism: a week follows a slow rise (illness that creeps, heat, altitude) within days and then calls it usual.
    """
    padded = np.concatenate((np.full(BASELINE_DAYS, np.nan), daily_bpm))
    weeks = np.lib.stride_tricks.sliding_window_view(padded, BASELINE_DAYS)[:-1]
    enough = np.isfinite(weeks).sum(axis=1) >= MIN_BASELINE_DAYS
    baseline = np.full(len(daily_bpm), np.nan)
    baseline[enough] = np.nanmedian(weeks[enough], axis=1)
    return baseline
