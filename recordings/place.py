"""The time zone of the place where something was recorded."""

import numpy as np
from tzfpy import get_tz

from domain.track import Track


def zone_of(track: Track, stated: str | None, *, kind: str | None) -> str | None:
    """The IANA zone at the first position of ``track``; without one the offset that the file states, or ``None``.

    A zone wins over an offset, which knows no daylight saving, also where they differ: days are those of the place,
    whether the traveller has set the watch or not. At sea it is that of the meridian (``Etc/GMT+2``). ``kind`` is the
    file's own name for the sport: the positions of a virtual ride are in a game, and do not say where the athlete was.
    """
    if "virtual" in (kind or "").lower():
        return stated
    known = np.flatnonzero(~np.isnan(track.latitude_deg) & ~np.isnan(track.longitude_deg))
    if not len(known):
        return stated
    first = known[0]
    return get_tz(float(track.longitude_deg[first]), float(track.latitude_deg[first])) or stated
