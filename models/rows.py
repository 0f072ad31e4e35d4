"""Rows of features."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.features import FEATURE_NAMES

Matrix = NDArray[np.float32]
"""Features: one row a workout, one column a name of ``FEATURE_NAMES``, NaN where a value is missing."""

DAY_US: Final = 86_400_000_000
COLUMN: Final[dict[str, int]] = {name: index for index, name in enumerate(FEATURE_NAMES)}


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """Features of many users' workouts, sorted by user, then time, then workout; each workout once.

    ``user`` and ``workout_id``: (n,) str; ``at_us``: (n,) int64, UTC microseconds; ``matrix``: (n, F) float32.
    """

    user: NDArray[np.str_]
    workout_id: NDArray[np.str_]
    at_us: NDArray[np.int64]
    matrix: Matrix

    def __len__(self) -> int:
        return len(self.at_us)

    def column(self, name: str) -> NDArray[np.float32]:
        """One feature, (n,) float32."""
        return self.matrix[:, COLUMN[name]]

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "FeatureRows":
        """The chosen rows, by mask or by index."""
        return FeatureRows(self.user[chosen], self.workout_id[chosen], self.at_us[chosen], self.matrix[chosen])

    def user_starts(self) -> NDArray[np.int64]:
        """Index of each user's first row, and the number of rows at the end."""
        if not len(self):
            return np.zeros(1, dtype=np.int64)
        first = np.flatnonzero(np.r_[True, self.user[1:] != self.user[:-1]])
        return np.append(first, len(self)).astype(np.int64)
