"""Privacy zones: the part of a track around a home that others are never shown, the same for every layer."""

import hashlib
import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from domain.distance import EARTH_RADIUS_M
from domain.track import FloatColumn, Track

BoolColumn = NDArray[np.bool_]

# Few radii: each has a displacement of its own, and whoever saw many displacements of one home would find it.
Radius = Literal[400, 800, 1600]
RADII_M: Final[tuple[Radius, ...]] = get_args(Radius)

# As shares of the radius. The home is never near the centre, which a circle fit finds, nor near the edge, where
# tracks end.
NEAREST_TO_CENTRE: Final = 0.35
FARTHEST_FROM_CENTRE: Final = 0.75
MOST_EXTRA: Final = 0.5

MIN_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class PrivacyZone:
    """A place that an athlete hides: ``zone_id``, the home in degrees, and one of the radii of ``RADII_M``.

    The id belongs to the place for ever. A zone that is set again at the same place takes its old id; another place is
    another zone. Two ids of one home would be two displacements, and both circles together tell more than one.

    Raises ``ValueError`` for a place that is not on Earth and for another radius.
    """

    zone_id: str
    latitude_deg: float
    longitude_deg: float
    radius_m: Radius

    def __post_init__(self) -> None:
        if not (abs(self.latitude_deg) <= 90 and abs(self.longitude_deg) <= 180):
            raise ValueError(
                f"privacy zone {self.zone_id} is at {self.latitude_deg}°, {self.longitude_deg}°: "
                "give a latitude within ±90° and a longitude within ±180°"
            )
        if self.radius_m not in RADII_M:
            raise ValueError(
                f"privacy zone {self.zone_id} has a radius of {self.radius_m} m: "
                f"choose one of {', '.join(map(str, RADII_M))}"
            )


@dataclass(frozen=True, slots=True)
class HiddenCircle:
    """What layers know of a zone: the displaced centre and the radius, never the home.

    ``secret`` seeds the extra distances of this zone and stays on the server.
    """

    latitude_deg: float
    longitude_deg: float
    radius_m: float
    secret: bytes = field(repr=False)


def hidden_circle(zone: PrivacyZone, key: bytes) -> HiddenCircle:
    """The circle that hides a zone: displaced from the home at random, with the home inside of it.

    The displacement is drawn from HMAC-SHA256 (RFC 2104) of the zone's id and radius under ``key``, evenly by area
    between 0.35 and 0.75 of the radius. It is the same for the same zone for ever, so many tracks tell no more of it
    than one circle does. Nothing within 0.25 of the radius of the home is ever shown. Raises ``ValueError`` for a
    ``key`` below 32 bytes.

    Hassan, Hussain, Bates 2018 (USENIX Security, ISBN 978-1-939133-04-5): ends of tracks that are cut at a circle lie
    on it, and a circle fit finds its centre. So the centre is not the home.

    Criticism: a displaced circle hides where in the circle the home is, not that it is in there. Streets tell more:
    where only one house stands within the circle, or every track comes out of one street, nothing is hidden.
    """
    secret = _secret_of(zone.zone_id, zone.radius_m, key)
    bearing, share = _two_shares(_digest(secret, "displacement"))
    inner, outer = NEAREST_TO_CENTRE**2, FARTHEST_FROM_CENTRE**2
    angle = math.sqrt(inner + share * (outer - inner)) * zone.radius_m / EARTH_RADIUS_M
    turn = 2.0 * math.pi * bearing
    # The point at an angle and a bearing from another one on a sphere; it holds at the poles too.
    phi = math.radians(zone.latitude_deg)
    sin_phi = math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * math.cos(turn)
    east = math.atan2(math.sin(turn) * math.sin(angle) * math.cos(phi), math.cos(angle) - math.sin(phi) * sin_phi)
    return HiddenCircle(
        latitude_deg=math.degrees(math.asin(max(-1.0, min(1.0, sin_phi)))),
        longitude_deg=(zone.longitude_deg + math.degrees(east) + 180.0) % 360.0 - 180.0,
        radius_m=float(zone.radius_m),
        secret=secret,
    )


def known_circle(zone_id: str, latitude_deg: float, longitude_deg: float, radius_m: Radius, key: bytes) -> HiddenCircle:
    """The circle of a zone of which a store keeps the displaced centre, in degrees, and neither home nor secret.

    Raises ``ValueError`` for a ``key`` below 32 bytes.
    """
    return HiddenCircle(latitude_deg, longitude_deg, float(radius_m), _secret_of(zone_id, radius_m, key))


def extra_m(circle: HiddenCircle, workout_id: str) -> float:
    """Metres beyond the circle that one workout hides as well: 0 to half the radius, the same for this workout for
    ever, so that the ends of tracks do not lie on one circle.
    """
    share, _ = _two_shares(_digest(circle.secret, "extra", workout_id))
    return share * MOST_EXTRA * circle.radius_m


def hide(
    latitude_deg: FloatColumn, longitude_deg: FloatColumn, zones: Sequence[HiddenCircle], workout_id: str
) -> BoolColumn:
    """Which samples of a workout others may be shown: (n,) positions in degrees, (n,) True where they may.

    A position inside a circle, or beyond it within the workout's extra distance, is hidden wherever in the track it is:
    at the start, at the end, or passing through. A sample without a position is shown when the positions before and
    after it are; before the first and after the last position it is hidden, and so is a track without any. Positions
    at 0°, 0° and not on Earth count as none. Without zones everything is shown.

    A position is judged by itself alone. So the same call serves live positions as they come, one frame or one sample
    at a time: it shows of them what the whole track will show.

    Criticism: a fix that is wrong by more than the circle is shown, with its time: the last place of a device that was
    switched on at home. Fixes that cannot be reached are to be made unknown before.
    """
    if not zones:
        return np.ones(len(latitude_deg), dtype=bool)
    known = _positioned(latitude_deg, longitude_deg)
    every = bool(known.all())
    phi = np.radians(latitude_deg if every else latitude_deg[known])
    lam = np.radians(longitude_deg if every else longitude_deg[known])
    cos_phi = np.cos(phi)
    clear = np.ones(len(phi), dtype=bool)
    for circle in zones:
        # The haversine of the distance, which grows with it: no need for the distance itself.
        centre_phi, centre_lam = math.radians(circle.latitude_deg), math.radians(circle.longitude_deg)
        half_dphi, half_dlam = np.sin((phi - centre_phi) * 0.5), np.sin((lam - centre_lam) * 0.5)
        haversine = half_dphi * half_dphi + math.cos(centre_phi) * cos_phi * half_dlam * half_dlam
        hidden_m = circle.radius_m + extra_m(circle, workout_id)
        clear &= haversine > math.sin(hidden_m / EARTH_RADIUS_M * 0.5) ** 2
    if every:
        return clear
    return _with_unknown(clear, known)


def span_shown(track: Track, shown: BoolColumn, start_us: int, end_us: int) -> bool:
    """Whether others may be shown an effort (of a segment, or a best effort) from ``start_us`` to ``end_us``.

    Only when the whole of it is shown: ``shown`` (n,) at every sample from the last one at or before its start to the
    first one at or after its end. An effort that passes through a zone would tell which street in there was taken, and
    for how long. False for one that begins before the track or ends after it.
    """
    first = int(np.searchsorted(track.time_us, start_us, side="right")) - 1
    last = int(np.searchsorted(track.time_us, end_us, side="left"))
    return 0 <= first <= last < len(track) and bool(shown[first : last + 1].all())


def shown_part(track: Track, shown: BoolColumn) -> tuple[Track, list[tuple[int, int]]]:
    """What others get of a track, and the gaps in it as pauses: (first, last) in UTC microseconds.

    Every figure that others see (distance, times, climb, heart rate, pace, the score on a board) is made of this part
    alone, with the gaps as pauses and without the totals that the device stated. A figure of the whole beside a map of
    a part would tell how long the hidden part is, and by that which houses it may lead to (Dhondt et al. 2022, ACM CCS,
    "A Run a Day Won't Keep the Hacker Away"). The device's counter begins at 0 and does not run on in gaps.

    ``shown`` has shape (n,). Of a track without any position, of which nothing can be compared with a map, only the
    altitude goes: it is that of the home.

    Criticism: how long a gap in the middle took can be read from the times on both sides of it.
    """
    if not _positioned(track.latitude_deg, track.longitude_deg).any():
        return replace(track, altitude_m=np.full(len(track), np.nan)), []
    columns = {column.name: getattr(track, column.name)[shown] for column in fields(Track)}
    columns["distance_m"] = _counter_of_shown(track.distance_m, shown)[shown]
    rows = np.flatnonzero(shown)
    before = np.flatnonzero(rows[1:] - rows[:-1] > 1)
    gaps = zip(track.time_us[rows[before]].tolist(), track.time_us[rows[before + 1]].tolist(), strict=True)
    return Track(**columns), list(gaps)


def _counter_of_shown(distance_m: FloatColumn, shown: BoolColumn) -> FloatColumn:
    """The counter (n,) without its steps over hidden samples, from 0; NaN where it was unknown."""
    known = np.flatnonzero(np.isfinite(distance_m))
    counter = np.full(len(distance_m), np.nan)
    if len(known) == 0:
        return counter
    hidden_before = np.concatenate(([0], np.cumsum(~shown)))
    unbroken = hidden_before[known[1:] + 1] == hidden_before[known[:-1]]
    counter[known] = np.concatenate(([0.0], np.cumsum(np.where(unbroken, np.diff(distance_m[known]), 0.0))))
    return counter


def _positioned(latitude_deg: FloatColumn, longitude_deg: FloatColumn) -> BoolColumn:
    # Comparisons with NaN are False. Devices without a fix say 0°, 0°.
    on_earth = (np.abs(latitude_deg) <= 90.0) & (np.abs(longitude_deg) <= 180.0)
    known: BoolColumn = on_earth & ((latitude_deg != 0.0) | (longitude_deg != 0.0))
    return known


def _with_unknown(clear: BoolColumn, known: BoolColumn) -> BoolColumn:
    """``clear`` of the known positions as (n,); between two of them both must be clear, outside of them nothing is."""
    padded = np.concatenate(([False], clear, [False]))
    positions_until = np.cumsum(known)
    return padded[positions_until] & padded[positions_until + ~known]


def _secret_of(zone_id: str, radius_m: Radius, key: bytes) -> bytes:
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"the key of privacy zones has {len(key)} bytes: give at least {MIN_KEY_BYTES} random ones")
    return _digest(key, "zone", zone_id, str(radius_m))


def _digest(key: bytes, *words: str) -> bytes:
    """HMAC-SHA256 of words, each with its length, so that no two lists of words are the same message."""
    message = b"".join(len(word.encode()).to_bytes(4, "big") + word.encode() for word in words)
    return hmac.new(key, message, hashlib.sha256).digest()


def _two_shares(digest: bytes) -> tuple[float, float]:
    """Two independent numbers from 0 to below 1 out of a digest; 53 bits each, what a float holds."""
    return (
        (int.from_bytes(digest[:8], "big") >> 11) / 2.0**53,
        (int.from_bytes(digest[8:16], "big") >> 11) / 2.0**53,
    )
