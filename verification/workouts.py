"""From events and samples to what must be said of each workout: summary, duplicate or not, features, document."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

import numpy as np

from domain.clock import placed
from domain.days import local_day
from domain.duplicates import Candidate, clusters
from domain.features import NAMES_VERSION, LoadFact, features
from domain.fusing import Priorities
from domain.summary import Stated, Summary, summarise
from domain.track import CHANNELS, Track, track_from_columns
from domain.workouts import Completion, Correction, Profile, athlete_at, corrected, prevails
from schemas import hot
from verification.fusing import fused
from verification.outcomes import Valid

TrackOf = Callable[[str, str], Track]
"""The samples of (user, workout id)."""

NO_SAMPLES = track_from_columns(np.empty(0, dtype=np.int64))


@dataclass
class UserFacts:
    """All that the events say of one user's workouts."""

    profiles: dict[str, Profile] = field(default_factory=dict)  # by event id
    erased_us: int | None = None
    completions: dict[str, Completion] = field(default_factory=dict)  # by workout id
    corrections: dict[str, dict[str, Correction]] = field(default_factory=dict)  # by workout id, event id
    deleted: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Known:
    """What must be known of one workout: the last word on it and the features as of its end."""

    zone: str
    completion: Completion  # as corrected
    summary: hot.WorkoutSummarisedData
    features: hot.FeaturesComputedData

    def document(self, user: str) -> dict[str, Any] | None:
        """The read model; a deleted workout has none."""
        data = self.summary
        if data.status == "deleted":
            return None
        return {
            "user": user,
            "status": data.status,
            "duplicate_of": data.duplicate_of,
            "sport": data.sport,
            "title": data.title,
            "start": data.start,
            "end": data.end,
            "zone": self.zone,
            "local_day": data.local_day.isoformat(),
            "device_id": data.device_id,
            "summary": data.summary,
            "channel_sources": data.channel_sources,
        }


def facts_of(user_events: Iterable[Valid], workout_events: Iterable[Valid]) -> dict[str, UserFacts]:
    """The facts of each user, from the events in log order."""
    users: dict[str, UserFacts] = {}
    for _, _, message in user_events:
        facts = users.setdefault(message.user, UserFacts())
        match message:
            case hot.UserRegistered() | hot.ProfileChanged():
                facts.profiles[message.id] = _profile(message)
            case hot.UserErased():
                facts.erased_us = message.time
    for _, _, message in workout_events:
        facts = users.setdefault(message.user, UserFacts())
        data = message.data
        match message:
            case hot.WorkoutCompleted():
                completion = _completion(message)
                if prevails(completion, facts.completions.get(data.workout_id)):
                    facts.completions[data.workout_id] = completion
            case hot.WorkoutEdited():
                edit = Correction(message.id, message.time, data.title, data.sport, data.rpe)
                facts.corrections.setdefault(data.workout_id, {})[message.id] = edit
            case hot.WorkoutDeleted():
                facts.deleted.add(data.workout_id)
    return users


def known_workouts(user: str, facts: UserFacts, track_of: TrackOf, priorities: Priorities) -> dict[str, Known]:
    """The last word on every workout that a user ever completed, by workout id."""
    profiles = list(facts.profiles.values())
    completions = {
        wid: corrected(completion, facts.corrections.get(wid, {}).values())
        for wid, completion in facts.completions.items()
    }
    living = {wid: c for wid, c in completions.items() if not _is_gone(wid, c, facts)}
    summaries: dict[str, Summary] = {}
    tracks: dict[str, Track] = {}
    resets: dict[str, bool] = {}
    candidates = []
    for wid, completion in living.items():
        track, moved = placed(track_of(user, wid), completion.start_us, completion.end_us)
        resets[wid] = moved > 0
        tracks[wid] = track
        summaries[wid] = _summary(completion, track, profiles, clock_was_reset=resets[wid])
        channels = sum(bool(np.isfinite(getattr(track, name)).any()) for name in CHANNELS)
        candidates.append(
            Candidate(
                wid, completion.start_us, completion.end_us, completion.sport, channels, summaries[wid].sample_count
            )
        )
    canonical = clusters(candidates)
    sources: dict[str, dict[str, str]] = {}
    for leader in set(canonical.values()):
        others = [wid for wid, its in canonical.items() if its == leader and wid != leader]
        if others:
            track, sources[leader] = fused(leader, others, living, tracks, priorities)
            was_reset = any(resets[wid] for wid in (leader, *others))
            summaries[leader] = _summary(living[leader], track, profiles, clock_was_reset=was_reset)
    loads = {wid: _load(wid, living[wid], summary) for wid, summary in summaries.items() if canonical[wid] == wid}
    return {
        wid: _known(wid, completion, summaries.get(wid), canonical.get(wid), loads, profiles, sources.get(wid, {}))
        for wid, completion in completions.items()
    }


def _is_gone(workout_id: str, completion: Completion, facts: UserFacts) -> bool:
    erased = facts.erased_us is not None and completion.start_us <= facts.erased_us
    return workout_id in facts.deleted or erased


def _summary(completion: Completion, track: Track, profiles: Sequence[Profile], *, clock_was_reset: bool) -> Summary:
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


def _load(workout_id: str, completion: Completion, summary: Summary) -> LoadFact:
    return LoadFact(
        workout_id=workout_id,
        sport=completion.sport,
        start_us=completion.start_us,
        end_us=completion.end_us,
        day=local_day(completion.start_us, completion.zone),
        load=summary.load,
        distance_m=summary.distance_m,
        moving_time_s=summary.moving_time_s,
        elevation_gain_m=summary.elevation_gain_m or 0.0,
    )


def _known(
    workout_id: str,
    completion: Completion,
    summary: Summary | None,
    leader: str | None,
    loads: Mapping[str, LoadFact],
    profiles: Sequence[Profile],
    sources: Mapping[str, str],
) -> Known:
    status: Literal["counted", "duplicate", "deleted"] = "deleted"
    if leader is not None:
        status = "counted" if leader == workout_id else "duplicate"
    end_day: date = local_day(completion.end_us, completion.zone)
    values: tuple[float | None, ...] = ()
    if status == "counted":
        athlete = athlete_at(profiles, completion.end_us)
        row = features(loads.values(), completion.end_us, end_day, athlete, loads[workout_id])
        values = tuple(None if np.isnan(value) else float(value) for value in row)
    return Known(
        zone=completion.zone,
        completion=completion,
        summary=hot.WorkoutSummarisedData(
            workout_id=workout_id,
            status=status,
            duplicate_of=leader if status == "duplicate" else None,
            sport=completion.sport,
            title=None if status == "deleted" else completion.title,
            start=completion.start_us,
            end=completion.end_us,
            local_day=local_day(completion.start_us, completion.zone),
            device_id=None if status == "deleted" else completion.device_id,
            summary=None if summary is None else _as_message(summary),
            channel_sources=tuple(hot.ChannelSource(channel=name, workout_id=id) for name, id in sources.items()),
        ),
        features=hot.FeaturesComputedData(
            workout_id=workout_id,
            status=status,
            at=completion.end_us,
            local_day=end_day,
            names_version=NAMES_VERSION,
            features=values,
        ),
    )


def _as_message(summary: Summary) -> hot.Summary:
    fields = asdict(summary)  # not checked against the schema's ranges: what the log has is compared with it as it is
    efforts = tuple(hot.BestEffort(**effort) for effort in fields.pop("best_efforts"))
    analysis = hot.Analysis(**fields.pop("analysis"))
    return hot.Summary(**fields, best_efforts=efforts, analysis=analysis)


def _profile(message: hot.UserRegistered | hot.ProfileChanged) -> Profile:
    data = message.data
    return Profile(
        event_id=message.id,
        time_us=message.time,
        registration=isinstance(message, hot.UserRegistered),
        sex=data.sex,
        birth_year=data.birth_year,
        mass_kg=data.mass_kg,
        hr_max_bpm=data.hr_max_bpm,
        hr_rest_bpm=data.hr_rest_bpm,
        lthr_bpm=data.lthr_bpm,
        ftp_w=data.ftp_w,
        threshold_speed_m_s=data.threshold_speed_m_s,
    )


def _completion(message: hot.WorkoutCompleted) -> Completion:
    data = message.data
    stated = data.stated
    return Completion(
        event_id=message.id,
        time_us=message.time,
        zone=message.zone,
        sport=data.sport,
        device_id=data.device_id,
        start_us=data.start,
        end_us=data.end,
        pauses=tuple((begin, end) for begin, end in data.pauses),
        stated=Stated(
            distance_m=stated.distance_m,
            timer_time_s=stated.timer_time_s,
            moving_time_s=stated.moving_time_s,
            elapsed_s=stated.elapsed_s,
            ascent_m=stated.ascent_m,
            descent_m=stated.descent_m,
            energy_kcal=stated.energy_kcal,
            mean_heart_rate_bpm=stated.mean_heart_rate_bpm,
            max_heart_rate_bpm=stated.max_heart_rate_bpm,
        ),
        rpe=data.rpe,
        title=data.title,
        source=message.source,
    )
