"""Labels of the injury model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.injury import AWAY_DAYS, HORIZON_DAYS
from models.lake import Injuries
from models.rows import DAY_US, FeatureRows


@dataclass(frozen=True, slots=True)
class InjuryData:
    """Rows at risk with their labels, and how many rows were left out because of what.

    ``label`` (n,) bool: an onset in (at, at + 14 days].
    """

    rows: FeatureRows
    label: NDArray[np.bool_]
    censored: int  # the 14 days are not over at the end of the data
    away: int  # within 28 days after an onset, or at it


def label_rows(rows: FeatureRows, injuries: Injuries) -> InjuryData:
    """Label the rows. The data end with the last workout of anybody.

    A row whose window is not over by then is left out even if an injury is known already: keeping only the
    positive ones would make the last days look dangerous.
    """
    end_us = int(rows.at_us.max()) if len(rows) else 0
    before, after = _nearest_onsets(rows, injuries)
    over = rows.at_us + HORIZON_DAYS * DAY_US <= end_us
    away = rows.at_us - before < AWAY_DAYS * DAY_US
    keep = over & ~away
    label = after - rows.at_us <= HORIZON_DAYS * DAY_US
    return InjuryData(rows.take(keep), label[keep], censored=int((~over).sum()), away=int((over & away).sum()))


def _nearest_onsets(rows: FeatureRows, injuries: Injuries) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The last onset at or before each row and the first one after it; far away where there is none."""
    never = np.iinfo(np.int64).max // 4
    before = np.full(len(rows), -never, dtype=np.int64)
    after = np.full(len(rows), never, dtype=np.int64)
    starts = rows.user_starts()
    for first, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        onsets = injuries.onsets_us.get(str(rows.user[first]))
        if onsets is None:
            continue
        padded = np.r_[-never, onsets, never]
        place = np.searchsorted(onsets, rows.at_us[first:end], side="right")
        before[first:end] = padded[place]
        after[first:end] = padded[place + 1]
    return before, after
