"""A device's clock that was reset during a workout: its samples are placed where they belong.

An empty battery makes some devices begin again at a fixed date, years ago, until a phone or a satellite tells them the
time. Their samples say which workout they are of, and are a block: in order, and as far apart as they were.

The rule. Samples of a workout that are more than a day outside of it are of a reset clock. Together they go to the end
of the longest stretch of the workout that has no samples: the last of them to the workout's end or, if samples with the
right time follow, one step before these. A block that is longer than the stretch stays where it is, and so is left out
of the workout: then nobody can tell where it belongs. The store keeps the times that the device said.
"""

from dataclasses import fields
from typing import Final

import numpy as np

from domain.track import US_PER_S, Track

RESET_US: Final = 86_400 * US_PER_S
_STEP_US: Final = US_PER_S  # of a block of one sample


def placed(track: Track, start_us: int, end_us: int) -> tuple[Track, int]:
    """The track of a workout from ``start_us`` to ``end_us`` (UTC µs) with corrected times, and how many samples were
    moved; the track that was given, and 0, where no clock was reset.
    """
    time_us = track.time_us
    if len(track) == 0 or (time_us[0] >= start_us - RESET_US and time_us[-1] <= end_us + RESET_US):
        return track, 0
    right = (time_us >= start_us - RESET_US) & (time_us <= end_us + RESET_US)
    block = time_us[~right]
    within = time_us[right & (time_us >= start_us) & (time_us <= end_us)]
    edges = np.concatenate(([start_us], within, [end_us]))
    longest = int(np.argmax(np.diff(edges)))
    step_us = int(np.median(np.diff(block))) if len(block) > 1 else _STEP_US
    last_us = int(edges[longest + 1]) - (step_us if longest < len(within) else 0)
    moved_us = np.where(right, time_us, time_us + (last_us - int(block[-1])))
    order = np.argsort(moved_us, kind="stable")
    moved_us = moved_us[order]
    first_us = last_us - int(block[-1] - block[0])
    if first_us < edges[longest] or not (np.diff(moved_us) > 0).all():
        return track, 0
    columns = {field.name: getattr(track, field.name)[order] for field in fields(Track) if field.name != "time_us"}
    return Track(time_us=moved_us, **columns), len(block)
