"""Whether two recordings of one time were made in the same place."""

from typing import Final

import numpy as np

from domain.efforts import MAX_SPAN_S
from domain.integrity_motion import apart_m, on_seconds
from domain.track import US_PER_S, Track

# Conventions of this project.
APART_M: Final = 1000.0
APART_FOR_S: Final = 300.0


def together_apart(track: Track, other: Track) -> tuple[int, int, float] | None:
    """From when to when two tracks ran at the same time, and the median metres between them; ``None`` when that is
    under five minutes with places, or within a kilometre.
    """
    if len(track) == 0 or len(other) == 0:
        return None
    first_us = int(max(track.time_us[0], other.time_us[0]))
    last_us = int(min(track.time_us[-1], other.time_us[-1]))
    if not APART_FOR_S <= (last_us - first_us) / US_PER_S <= MAX_SPAN_S:
        return None
    seconds = np.arange((last_us - first_us) // US_PER_S + 1, dtype=np.float64)
    places = (
        on_seconds(which, column, first_us, seconds)
        for which in (track, other)
        for column in (which.latitude_deg, which.longitude_deg)
    )
    apart = apart_m(*places)
    apart = apart[np.isfinite(apart)]
    if len(apart) < APART_FOR_S or float(np.median(apart)) <= APART_M:
        return None
    return first_us, last_us, float(np.median(apart))
