"""A workout's samples as columns: what every formula of the domain takes."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatColumn = NDArray[np.float64]

US_PER_S: Final = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Samples of one workout, one row a time point, sorted by time and without double times.

    Every channel has the shape ``(n,)`` and is NaN where the device said nothing. A channel that no device recorded is
    a column of NaN. ``distance_m`` is the device's own cumulative distance.
    """

    time_us: NDArray[np.int64]  # UTC, microseconds since 1970
    heart_rate_bpm: FloatColumn
    cadence_rpm: FloatColumn  # one leg or crank: 90, not 180 steps a minute
    power_w: FloatColumn
    speed_m_s: FloatColumn
    distance_m: FloatColumn
    latitude_deg: FloatColumn
    longitude_deg: FloatColumn
    altitude_m: FloatColumn
    temperature_c: FloatColumn

    def __post_init__(self) -> None:
        n = len(self.time_us)
        for field in fields(self):
            if len(getattr(self, field.name)) != n:
                raise ValueError(
                    f"track column {field.name} has {len(getattr(self, field.name))} rows, time_us has {n}"
                )
        if n > 1 and not bool(np.all(np.diff(self.time_us) > 0)):
            raise ValueError("track times must increase from row to row: sort and drop double times first")

    def __len__(self) -> int:
        return len(self.time_us)

    @property
    def elapsed_s(self) -> float:
        """Seconds from the first sample to the last; 0 for fewer than two samples."""
        return float(self.time_us[-1] - self.time_us[0]) / US_PER_S if len(self) > 1 else 0.0

    def between(self, first_us: int, last_us: int) -> "Track":
        """The samples from ``first_us`` to ``last_us``, both included: this track when that is all, else views of its
        columns.
        """
        if len(self) == 0 or (self.time_us[0] >= first_us and self.time_us[-1] <= last_us):
            return self
        rows = slice(*np.searchsorted(self.time_us, (first_us, last_us + 1)))
        return Track(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


CHANNELS: Final = tuple(field.name for field in fields(Track) if field.name != "time_us")


def track_from_columns(time_us: NDArray[np.int64], **channels: FloatColumn) -> Track:
    """Build a track from columns in any order of time; rows of a double time are merged, the later row's values first.

    Raises ``TypeError`` for a channel that does not exist, ``ValueError`` for one of another length than ``time_us``.
    """
    unknown = set(channels) - set(CHANNELS)
    if unknown:
        raise TypeError(f"no such channel: {', '.join(sorted(unknown))}; there are {', '.join(CHANNELS)}")
    for name, given in channels.items():
        if len(given) != len(time_us):
            raise ValueError(f"channel {name} has {len(given)} rows, time_us has {len(time_us)}")
    columns = {name: np.asarray(given, dtype=np.float64) for name, given in channels.items()}
    if not bool((time_us[1:] > time_us[:-1]).all()):
        time_us, columns = _in_order(time_us, columns)
    missing = [name for name in CHANNELS if name not in columns]
    return Track(time_us=time_us, **columns, **{name: np.full(len(time_us), np.nan) for name in missing})


NO_SAMPLES: Final = track_from_columns(np.empty(0, dtype=np.int64))


def _in_order(
    time_us: NDArray[np.int64], columns: dict[str, FloatColumn]
) -> tuple[NDArray[np.int64], dict[str, FloatColumn]]:
    order = np.argsort(time_us, kind="stable")
    ordered_us = time_us[order]
    first_of_time = np.concatenate(([True], ordered_us[1:] != ordered_us[:-1]))
    if first_of_time.all():
        return ordered_us, {name: column[order] for name, column in columns.items()}
    row = np.cumsum(first_of_time) - 1
    merged_columns: dict[str, FloatColumn] = {}
    for name, column in columns.items():
        ordered = column[order]
        known = ~np.isnan(ordered)
        merged = np.full(row[-1] + 1, np.nan)
        merged[row[known]] = ordered[known]
        merged_columns[name] = merged
    return ordered_us[first_of_time], merged_columns
