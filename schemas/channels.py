"""The one table of sensor channels: how each is packed, in what unit it is read, and what is possible.

A channel is a column of little-endian integers; ``physical = raw * scale``, and the largest integer of the type means
"the device said nothing". A plain channel has one value a time point. Fast channels (acceleration, ECG, PPG) have k
values a time point, evenly spread until the next; RR intervals are a list of their own, one entry a heart beat.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

RawColumn = NDArray[np.integer]
FloatColumn = NDArray[np.float32] | NDArray[np.float64]
Layout = Literal["sample", "fast", "list"]


@dataclass(frozen=True, eq=False)
class Channel:
    """How one channel is packed and read."""

    name: str  # on the wire
    column: str  # in numpy land: the name with its unit, as in domain.track.Track
    dtype: str  # numpy type on the wire, little endian
    scale: float  # physical = raw * scale
    unit: str
    low: float  # smallest possible physical value
    high: float  # largest possible physical value
    doc: str
    layout: Layout = "sample"
    components: int = 1  # values that belong together: x, y, z
    wide: bool = False  # needs float64 to be exact; else float32

    @cached_property
    def wire(self) -> np.dtype[np.integer]:
        """The packed type."""
        return np.dtype(self.dtype)

    @cached_property
    def missing(self) -> int:
        """The raw value that means: the device said nothing."""
        return int(np.iinfo(self.dtype).max)

    @cached_property
    def missing_bytes(self) -> bytes:
        """One missing value as it is packed."""
        return np.array(self.missing, dtype=self.dtype).tobytes()

    @cached_property
    def raw_low(self) -> int:
        """Smallest possible raw value."""
        return round(self.low / self.scale)

    @cached_property
    def raw_high(self) -> int:
        """Largest possible raw value."""
        return round(self.high / self.scale)

    @cached_property
    def divisor(self) -> int:
        """``physical = raw / divisor``."""
        return round(1 / self.scale)

    def fits(self, sizes: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether columns of ``sizes`` bytes can belong to frames of ``counts`` time points."""
        one = self.wire.itemsize * self.components
        if self.layout == "sample":
            whole: NDArray[np.bool_] = sizes == counts * one
        else:
            whole = (sizes > 0) & (sizes % (counts * one if self.layout == "fast" else one) == 0)
        return whole

    @cached_property
    def expected(self) -> str:
        """What ``fits`` wants, in words."""
        one = self.wire.itemsize * self.components
        per = {"sample": "a sample", "fast": "a sample, or a multiple of it", "list": "an entry, at least one"}
        return f"{one} bytes {per[self.layout]}"

    def to_raw(self, values: FloatColumn, *, impossible: Literal["raise", "missing"] = "raise") -> RawColumn:
        """Pack physical values; NaN becomes missing. An impossible one raises ``ValueError`` or becomes missing too."""
        scaled = np.rint(np.asarray(values, dtype=np.float64) * self.divisor)
        absent = np.isnan(scaled)
        wrong = (scaled < self.raw_low) | (scaled > self.raw_high)
        if impossible == "raise" and wrong.any():
            raise ValueError(f"{self.column} of {values[wrong][0]} is outside {self.low:g}..{self.high:g} {self.unit}")
        return np.where(absent | wrong, self.missing, scaled).astype(self.wire)

    def to_physical(self, raw: RawColumn) -> FloatColumn:
        """Read packed values; missing becomes NaN."""
        values: FloatColumn
        # Dividing by a whole number rounds once: 0.001 itself is not a binary fraction.
        if self.wide:
            values = np.divide(raw, self.divisor, dtype=np.float64)
        else:
            values = np.divide(raw, self.divisor, dtype=np.float32)
        values[raw == self.missing] = np.nan
        return values

    def out_of_range(self, raw: RawColumn) -> NDArray[np.bool_]:
        """Where a packed value is neither missing nor possible."""
        wrong: NDArray[np.bool_] = ((raw < self.raw_low) | (raw > self.raw_high)) & (raw != self.missing)
        return wrong


CHANNELS: Final = (
    Channel("heart_rate", "heart_rate_bpm", "<u1", 1, "bpm", 20, 250, "heart rate"),
    Channel("cadence", "cadence_rpm", "<u1", 1, "rpm", 0, 254, "turns of one crank or strides of one leg a minute"),
    Channel("power", "power_w", "<u2", 1, "W", 0, 5_000, "mechanical power"),
    Channel("speed", "speed_m_s", "<u2", 0.001, "m/s", 0, 65, "speed over ground"),
    Channel("distance", "distance_m", "<u4", 0.01, "m", 0, 10_000_000, "the device's cumulative distance", wide=True),
    Channel("latitude", "latitude_deg", "<i4", 1e-7, "°", -90, 90, "WGS 84 latitude", wide=True),
    Channel("longitude", "longitude_deg", "<i4", 1e-7, "°", -180, 180, "WGS 84 longitude", wide=True),
    Channel("altitude", "altitude_m", "<i4", 0.01, "m", -1_000, 15_000, "height above sea level"),
    Channel("temperature", "temperature_c", "<i2", 0.1, "°C", -60, 85, "temperature at the device"),
    Channel("rr", "rr_ms", "<u2", 1, "ms", 100, 10_000, "times between heart beats", layout="list"),
    Channel(
        "acceleration",
        "acceleration_mg",
        "<i2",
        1,
        "mg",
        -32_000,
        32_000,
        "acceleration: x, y, z",
        layout="fast",
        components=3,
    ),
    Channel("ecg", "ecg_uv", "<i2", 1, "µV", -32_000, 32_000, "electrocardiogram", layout="fast"),
    Channel(
        "ppg", "ppg_counts", "<u4", 1, "counts", 0, 4_294_967_294, "photoplethysmogram, raw", layout="fast", wide=True
    ),
)
_packed: Final = attrgetter(*(channel.name for channel in CHANNELS))


def packed_columns(frames: Sequence[Any]) -> dict[Channel, list[bytes | None]]:
    """The packed column of each frame, for those channels that some frame has."""
    columns = zip(*(_packed(frame.channels) for frame in frames), strict=True)
    found = zip(CHANNELS, columns)  # noqa: B905 - without frames there are no columns
    return {channel: list(parts) for channel, parts in found if parts.count(None) < len(parts)}


BY_NAME: Final = {channel.name: channel for channel in CHANNELS}
BY_COLUMN: Final = {channel.column: channel for channel in CHANNELS}
