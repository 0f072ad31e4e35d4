"""A workout's samples, and those of the other recordings of its activity, as its summary."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from domain.clock import placed
from domain.fusing import ChannelSource, Priorities, Recording, fuse
from domain.summary import Summary, summarise
from domain.track import CHANNELS, Track
from domain.workouts import Completion, Profile, Summarised, athlete_at
from stridelog.projections.workouts import day_of


class Made(NamedTuple):
    """A summary, and what its channels come from if there are several recordings."""

    summary: Summary
    sources: tuple[ChannelSource, ...]


def from_recordings(
    recordings: Sequence[str],
    completions: Mapping[str, Completion],
    tracks: Mapping[str, Track],
    profiles: Sequence[Profile],
    priorities: Priorities,
) -> Made:
    """The summary of the first of ``recordings`` (workout ids), with what the others know better."""
    parts, moved = [], 0
    for wid in recordings:
        completion = completions[wid]
        track, some = placed(tracks[wid], completion.start_us, completion.end_us)
        parts.append(Recording(wid, completion.source, completion.device_id, track))
        moved += some
    track, sources = (parts[0].track, ()) if len(parts) == 1 else fuse(parts[0], parts[1:], priorities)
    return Made(_summary(completions[recordings[0]], track, profiles, moved > 0), sources)


def alone(completion: Completion, track: Track, profiles: Sequence[Profile]) -> tuple[Summarised, bool]:
    """A workout by its own samples, and whether its clock was reset."""
    track, moved = placed(track, completion.start_us, completion.end_us)
    summary = _summary(completion, track, profiles, moved > 0)
    done = Summarised(
        sport=completion.sport,
        start_us=completion.start_us,
        end_us=completion.end_us,
        day=day_of(completion),
        channels=sum(bool(np.isfinite(getattr(track, name)).any()) for name in CHANNELS),
        samples=summary.sample_count,
        summary=summary,
        duplicate_of=None,
    )
    return done, moved > 0


def _summary(completion: Completion, track: Track, profiles: Sequence[Profile], clock_was_reset: bool) -> Summary:
    return summarise(
        track,
        sport=completion.sport,
        start_us=completion.start_us,
        end_us=completion.end_us,
        pauses=completion.pauses,
        athlete=athlete_at(profiles, completion.start_us),
        stated=completion.stated,
        rpe=completion.rpe,
        clock_was_reset=clock_was_reset,
    )
