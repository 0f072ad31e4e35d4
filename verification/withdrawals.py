"""What was taken back of readings: deletions, and frames of a higher revision, from the log of one partition.

Written for itself: of each frame, which rows stand, is asked of all that was ever logged about its user, in any order.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas import hot
from schemas.channels import BY_NAME
from verification.outcomes import Valid


@dataclass(frozen=True, slots=True)
class Taking:
    """Readings of one user up to ``revision``, from ``first`` until before ``end`` (µs), go; ``offset``: first said."""

    offset: int
    device: str | None
    first: int
    end: int
    revision: int
    columns: frozenset[str] = frozenset()  # empty: all

    def covers(self, frame: hot.SensorFrame, first: Any, end: Any) -> Any:
        """Whether something of the frame from ``first`` until before ``end`` goes; numbers or arrays."""
        if frame.revision > self.revision or self.device not in (None, frame.device_id):
            return np.zeros(np.shape(first), dtype=bool)
        return (np.asarray(first) < self.end) & (np.asarray(end) > self.first)


@dataclass
class Takings:
    """By user."""

    by_user: dict[str, list[Taking]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, records: Iterable[Valid]) -> "Takings":
        """From frames and deletions in log order; one that is sent again says nothing new."""
        found, known = cls(), set()
        for offset, _, message in records:
            if isinstance(message, hot.ReadingsDeleted):
                data, name = message.data, (message.user, message.id)
                columns = frozenset(BY_NAME[channel].column for channel in data.channels)
                taking = Taking(offset, data.device_id, data.start, data.end, data.revision, columns)
            elif message.revision:
                last = last_sample_us(message)
                name = (message.user, f"{message.device_id} {message.start} {last} {message.revision}")
                taking = Taking(offset, message.device_id, message.start, last + 1, message.revision - 1)
            else:
                continue
            if name not in known:
                known.add(name)
                found.by_user[message.user].append(taking)
        return found

    def before(self, user: str, offset: int) -> "Takings":
        """Those of a user that records before ``offset`` said."""
        return Takings({user: [one for one in self.of_user(user) if one.offset < offset]})

    def of_user(self, user: str) -> Sequence[Taking]:
        """All of one user, whole ones and those of channels."""
        return self.by_user.get(user, ())

    def standing(self, frame: hot.SensorFrame, first: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which spans of time of a frame stand."""
        stands = np.ones(len(first), dtype=bool)
        for taking in self.of_user(frame.user):
            if not taking.columns:
                stands &= ~taking.covers(frame, first, end)
        return stands

    def emptied(
        self, frame: hot.SensorFrame, first: NDArray[np.int64], end: NDArray[np.int64], columns: Iterable[str]
    ) -> tuple[Mapping[str, NDArray[np.bool_]], NDArray[np.int64]]:
        """By column, which spans of a frame have lost it; and the last record that took any of ``columns`` of each."""
        lost: dict[str, NDArray[np.bool_]] = {}
        last = np.full(len(first), -1, dtype=np.int64)
        for taking in self.of_user(frame.user):
            for name in taking.columns.intersection(columns):
                where = taking.covers(frame, first, end)
                lost[name] = lost.get(name, False) | where
                last[where] = np.maximum(last[where], taking.offset)
        return lost, last


def last_sample_us(frame: hot.SensorFrame) -> int:
    """Time of the last sample of a frame, UTC µs."""
    if frame.time is None:
        return int(frame.start + (frame.n - 1) * (frame.interval_us or 0))
    return int(frame.start + 1000 * int(np.frombuffer(frame.time, dtype="<u4")[-1]))
