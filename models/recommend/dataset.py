"""What athletes did next: the implicit label of recommendations, and the columns that a model ranks by."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.features import FEATURE_NAMES
from domain.sports import FAMILIES
from models.recommend import HORIZON_DAYS
from models.recommend.catalogue import CANDIDATES, INDEX, REST, families_of, kinds_done
from models.rows import DAY_US, FeatureRows, Matrix

STATE_NAMES: Final = tuple(name for name in FEATURE_NAMES if name != "acwr_uncoupled")
KIND_NAMES: Final = tuple(sorted({candidate.kind for candidate in CANDIDATES}))
CANDIDATE_NAMES: Final = (
    *(f"next_{kind}" for kind in KIND_NAMES),
    *(f"next_{family}" for family in FAMILIES),
    "next_same_family",
)
NAMES: Final = STATE_NAMES + CANDIDATE_NAMES
CANDIDATE_COLUMNS: Final[NDArray[np.float32]] = np.array(
    [
        [float(c.kind == kind) for kind in KIND_NAMES] + [float(c.family == family) for family in FAMILIES]
        for c in CANDIDATES
    ],
    dtype=np.float32,
)
_FAMILY_OF: Final = np.array([FAMILIES.index(c.family) if c.family else -1 for c in CANDIDATES])


@dataclass(frozen=True, slots=True)
class NextData:
    """States with what was done next.

    ``family`` (n,): index in ``FAMILIES`` of the workout that the state is as of; ``chosen`` (n,): index in
    ``CANDIDATES``.
    """

    rows: FeatureRows
    family: NDArray[np.int64]
    chosen: NDArray[np.int64]
    censored: int  # the three days are not over at the end of the data


def label_rows(rows: FeatureRows) -> NextData:
    """Label each row with the athlete's next workout if that ended within three days, else with rest."""
    end_us = int(rows.at_us.max()) if len(rows) else 0
    done = kinds_done(rows)
    chosen = np.full(len(rows), INDEX[REST], dtype=np.int64)
    same_user = rows.user[1:] == rows.user[:-1]
    soon = same_user & (rows.at_us[1:] - rows.at_us[:-1] <= HORIZON_DAYS * DAY_US)
    chosen[:-1][soon] = done[1:][soon]
    over = rows.at_us + HORIZON_DAYS * DAY_US <= end_us
    return NextData(rows.take(over), families_of(rows)[over], chosen[over], censored=int((~over).sum()))


def popularity(family: NDArray[np.int64], chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of each candidate after a workout of each family, (families, candidates), rows sum to 1.

    Smoothed towards the shares over all families (weight 20 states), and those towards equal shares (weight 1 each).
    """
    overall = np.bincount(chosen, minlength=len(CANDIDATES)) + 1.0
    overall /= overall.sum()
    counts = np.zeros((len(FAMILIES), len(CANDIDATES)))
    np.add.at(counts, (family, chosen), 1.0)
    counts += 20 * overall
    shares: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
    return shares


def pairs(state: Matrix, family: NDArray[np.int64], candidates: NDArray[np.int64]) -> Matrix:
    """Columns ``NAMES`` of each state with each of its candidates.

    ``state`` (n, states), ``family`` (n,), ``candidates`` (n, k) to (n * k, len(NAMES)), a state's candidates in a row.
    """
    count = candidates.shape[1]
    flat = candidates.ravel()
    same = (_FAMILY_OF[flat] == np.repeat(family, count)).astype(np.float32)
    return np.hstack([np.repeat(state, count, axis=0), CANDIDATE_COLUMNS[flat], same[:, None]])
