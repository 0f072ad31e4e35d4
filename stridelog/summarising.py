"""From the samples of workouts that meet in time to their summaries: which recordings are of one activity, what each of
them knows best, what the rules of integrity say, and what others see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.apart import together_apart
from domain.athlete import Athlete
from domain.clock import placed
from domain.copies import Lookalike, Marked
from domain.duplicates import Candidate, clusters
from domain.fingerprint import fingerprint_of
from domain.fusing import ChannelSource, Priorities, Recording, fuse
from domain.integrity import check, within
from domain.integrity_flags import Flag
from domain.privacy_zones import HiddenCircle
from domain.shown import part_for_others
from domain.summary import Summary, summarise
from domain.track import CHANNELS, Track
from domain.workouts import Completion, Profile, Summarised, athlete_at
from domain.zones import ZoneSetting, zone_setting_at
from stridelog.judging import context_of, in_two_places
from stridelog.projections.workouts import day_of, marked_of


@dataclass(frozen=True, slots=True)
class AthleteFacts:
    """What is known of an athlete besides workouts, and how this project fuses recordings."""

    user: str
    profiles: Sequence[Profile]
    zones: Sequence[ZoneSetting]
    hidden: Sequence[HiddenCircle]
    priorities: Priorities  # of recordings of one activity
    lookalikes: Mapping[str, Lookalike]  # by workout, of those that say the same the one that was accepted first


@dataclass(frozen=True, slots=True)
class Found:
    """What samples say of a user's workouts: summaries and marks by workout, those without marks too, and how many
    summaries rest on times that were corrected.
    """

    summaries: dict[str, Summarised]
    marked: dict[str, Marked]
    corrected_times: int


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """A summary and the track that it is of."""

    completion: Completion
    athlete: Athlete
    zone_setting: ZoneSetting | None
    track: Track
    clock_was_reset: bool
    summary: Summary
    sources: tuple[ChannelSource, ...] = ()

    @property
    def said(self) -> dict[str, Any]:
        """What a summary rests on besides samples."""
        return _said(self.completion, self.athlete, self.zone_setting, self.clock_was_reset)


def meeting(workouts: Mapping[str, Completion]) -> list[list[str]]:
    """Workouts in groups, each of those that meet in time, also by way of others: no other has a say in them."""
    groups: list[list[str]] = []
    last_us = -1
    for start_us, end_us, wid in sorted((c.start_us, c.end_us, wid) for wid, c in workouts.items()):
        if groups and start_us <= last_us:
            groups[-1].append(wid)
        else:
            groups.append([wid])
        last_us = max(last_us, end_us)
    return groups


def summarised(facts: AthleteFacts, workouts: Mapping[str, Completion], tracks: Mapping[str, Track]) -> Found:
    """A user's workouts that meet in time, from the samples of each.

    Which are copies, and whether the athlete was elsewhere, is seen by each recording's own positions, at the times
    that its device gave: a time that was corrected is no evidence.
    """
    alone = {wid: _made(facts, completion, tracks[wid]) for wid, completion in workouts.items()}
    leaders, elsewhere = {wid: wid for wid in alone}, dict[str, Flag]()
    if len(alone) > 1:
        places = {wid: within(tracks[wid], context_of(facts.user, wid, one)) for wid, one in workouts.items()}
        candidates = [_candidate(wid, made) for wid, made in alone.items()]
        leaders = clusters(candidates, lambda one, other: together_apart(places[one], places[other]) is not None)
        elsewhere = in_two_places(facts.user, workouts, leaders, places)
    found: dict[str, Summarised] = {}
    marked: dict[str, Marked] = {}
    corrected = 0
    for wid, one in alone.items():
        others = sorted(other for other, leader in leaders.items() if leader == wid != other)
        made = _fused(facts, [(wid, one), *((other, alone[other]) for other in others)]) if others else one
        completion = one.completion
        context = context_of(facts.user, wid, completion, lookalike=facts.lookalikes.get(wid))
        marked[wid] = marked_of(facts.user, wid, completion, fingerprint_of(within(made.track, context)))
        flags = check(made.track, made.summary, completion.sport, one.athlete, context)
        found[wid] = Summarised(
            sport=completion.sport,
            start_us=completion.start_us,
            end_us=completion.end_us,
            day=day_of(completion),
            channels=_channels(one.track),
            samples=one.summary.sample_count,
            summary=made.summary,
            duplicate_of=None if leaders[wid] == wid else leaders[wid],
            flags=(*flags, elsewhere[wid]) if wid in elsewhere else flags,
            shown=part_for_others(wid, made.track, facts.hidden, **made.said),
            sources=made.sources,
            digest=marked[wid].digest,
        )
        corrected += made.clock_was_reset
    return Found(found, marked, corrected)


def _made(facts: AthleteFacts, completion: Completion, track: Track) -> _Made:
    """A workout by its own samples."""
    track, moved = placed(track, completion.start_us, completion.end_us)
    athlete = athlete_at(facts.profiles, completion.start_us)
    setting = zone_setting_at(facts.zones, completion.sport, completion.start_us)
    summary = summarise(track, **_said(completion, athlete, setting, moved > 0))
    return _Made(completion, athlete, setting, track, moved > 0, summary)


def _fused(facts: AthleteFacts, recordings: Sequence[tuple[str, _Made]]) -> _Made:
    """The first of the recordings of one activity, with what the others know better."""
    parts = [Recording(wid, one.completion.source, one.completion.device_id, one.track) for wid, one in recordings]
    track, sources = fuse(parts[0], parts[1:], facts.priorities)
    was_reset = any(one.clock_was_reset for _, one in recordings)
    first = recordings[0][1]
    summary = summarise(track, **_said(first.completion, first.athlete, first.zone_setting, was_reset))
    return _Made(first.completion, first.athlete, first.zone_setting, track, was_reset, summary, sources)


def _said(
    completion: Completion, athlete: Athlete, zone_setting: ZoneSetting | None, clock_was_reset: bool
) -> dict[str, Any]:
    return {
        "sport": completion.sport,
        "start_us": completion.start_us,
        "end_us": completion.end_us,
        "pauses": completion.pauses,
        "athlete": athlete,
        "stated": completion.stated,
        "rpe": completion.rpe,
        "zone_setting": zone_setting,
        "clock_was_reset": clock_was_reset,
    }


def _candidate(workout_id: str, made: _Made) -> Candidate:
    said = made.completion
    samples = made.summary.sample_count
    return Candidate(workout_id, said.start_us, said.end_us, said.sport, _channels(made.track), samples)


def _channels(track: Track) -> int:
    return sum(bool(np.isfinite(getattr(track, name)).any()) for name in CHANNELS)
