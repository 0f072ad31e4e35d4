"""What a recording is, whatever format it came in."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from domain.summary import Stated
from domain.track import FloatColumn, Track
from stridelog.errors import UserError

Format = Literal["fit", "gpx", "tcx"]
Pauses = tuple[tuple[int, int], ...]


class RecordingError(UserError):
    """A file that cannot be read as a recording: which one, why, and so what to do with it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Device:
    """Who recorded: each part as the file names it, ``None`` where it does not say."""

    manufacturer: str | None = None
    product: str | None = None
    serial: str | None = None


def _no_intervals() -> FloatColumn:
    return np.empty(0, dtype=np.float64)


def _no_times() -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One activity, or one leg of a multisport activity, as a device or an app recorded it.

    Times are UTC, microseconds since 1970. ``start_us`` and ``end_us`` enclose every sample and every pause.
    """

    content_id: str  # SHA-256 of the uncompressed file in hex: the same for a copy, compressed or renamed
    leg: int  # 0 for the first or only activity of the file
    path: Path
    format: Format
    sport: str  # a name of domain.sports
    sub_sport: str | None  # as the file says it
    device: Device
    start_us: int
    end_us: int
    zone: str | None  # IANA zone at the first position, else the offset that the file states ("+02:00"), if any
    track: Track
    pauses: Pauses  # spans in which the timer stood still, in order, not touching each other
    stated: Stated
    rr_ms: FloatColumn = field(default_factory=_no_intervals)  # times between heart beats, in order
    rr_time_us: NDArray[np.int64] = field(default_factory=_no_times)  # the sample next to which each was written
    warnings: tuple[str, ...] = ()
