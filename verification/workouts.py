"""From events and samples to what must be said of each workout: summary, duplicate or not, features, document."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any, Literal

import msgspec
import numpy as np

from domain.apart import together_apart
from domain.athlete import Athlete
from domain.clock import placed
from domain.copies import Lookalike, Marked
from domain.days import local_day
from domain.duplicates import Candidate, clusters
from domain.features import NAMES_VERSION, LoadFact, features
from domain.fingerprint import fingerprint_of
from domain.fusing import Priorities
from domain.privacy_zones import HiddenCircle, PrivacyZone, hidden_circle, hide, shown_part
from domain.summary import WINDOW_SLACK_US, Stated, Summary, summarise
from domain.track import CHANNELS, Track, track_from_columns
from domain.visibility import UNCHOSEN, Override
from domain.workouts import Appeal, Completion, Correction, Profile, Review, athlete_at, corrected, reported
from domain.zones import ZoneSetting, zone_setting_at
from schemas import hot
from verification import integrity
from verification.fusing import Sources, fused
from verification.integrity import Judged
from verification.outcomes import Valid

TrackOf = Callable[[str, str], Track]
"""The samples of (user, workout id)."""
Hidden = dict[str, tuple[int, bool, str, PrivacyZone | None]]
"""By zone the last word: time, whether it hides, the event's id, and what it hides."""

NO_SAMPLES = track_from_columns(np.empty(0, dtype=np.int64))


@dataclass
class UserFacts:
    """All that the events say of one user's workouts."""

    profiles: dict[str, Profile] = field(default_factory=dict)  # by event id
    zones: dict[str, ZoneSetting] = field(default_factory=dict)  # by event id
    hidden: Hidden = field(default_factory=dict)
    audience: tuple[int, str, str] = (0, "", UNCHOSEN.workout)  # of workouts that say nothing: time, event, who
    erased_us: int | None = None
    completions: dict[str, Completion] = field(default_factory=dict)  # by workout id
    corrections: dict[str, dict[str, Correction]] = field(default_factory=dict)  # by workout id, event id
    appeals: dict[str, dict[str, Appeal]] = field(default_factory=dict)
    reviews: dict[str, dict[str, Review]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Known:
    """What must be known of one workout: the last word on it and the features as of its end."""

    zone: str
    completion: Completion  # as corrected
    summary: hot.WorkoutSummarisedData
    features: hot.FeaturesComputedData
    marks: Marked | None  # of its track; none: deleted

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
            "visibility": data.visibility,
            "summary": data.summary,
            "flags": data.flags,
            "shadowed": data.shadowed,
            "appeal": data.appeal,
            "review": data.review,
            "shown": data.shown,
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
            case hot.ZonesSet(id=id, time=time, data=set_zones):
                facts.zones[id] = ZoneSetting(id, time, set_zones.sport, set_zones.basis, set_zones.upper_bounds)
            case hot.PrivacyZoneSet() | hot.PrivacyZoneRemoved():
                keep_zone(facts.hidden, message)
            case hot.VisibilityChanged():
                facts.audience = max(facts.audience, (message.time, message.id, message.data.workout))
            case hot.UserErased():
                facts.erased_us = max(message.time, facts.erased_us or 0)
    for facts in users.values():
        _forget_until(facts, facts.erased_us or 0)
    for _, logged_ms, message in workout_events:
        facts = users.setdefault(message.user, UserFacts())
        data = message.data
        match message:
            case hot.WorkoutCompleted():
                completion = _completion(message, logged_ms)
                facts.completions[data.workout_id] = reported(completion, facts.completions.get(data.workout_id))
            case hot.WorkoutEdited():
                visibility = None if data.visibility is None else _said(data.visibility)
                edit = Correction(message.id, message.time, data.title, data.sport, data.rpe, visibility)
                facts.corrections.setdefault(data.workout_id, {})[message.id] = edit
            case hot.WorkoutAppealed():
                appeal = Appeal(message.id, message.time, data.text)
                facts.appeals.setdefault(data.workout_id, {})[message.id] = appeal
            case hot.WorkoutReviewed():
                facts.reviews.setdefault(data.workout_id, {})[message.id] = Review(
                    message.id,
                    message.time,
                    data.reviewer,
                    data.verdict,
                    data.why,
                    tuple((one.rule, one.rule_version) for one in data.rules),
                )
            case hot.WorkoutDeleted():
                facts.deleted.add(data.workout_id)
    return users


def _forget_until(facts: UserFacts, time_us: int) -> None:
    """What the user said of themselves up to an erasure is void."""
    facts.profiles = {id: profile for id, profile in facts.profiles.items() if profile.time_us > time_us}
    facts.zones = {id: setting for id, setting in facts.zones.items() if setting.time_us > time_us}
    facts.hidden = {id: word for id, word in facts.hidden.items() if word[0] > time_us}


def keep_zone(hidden: Hidden, message: hot.PrivacyZoneSet | hot.PrivacyZoneRemoved) -> None:
    """Keep the last word on a privacy zone."""
    data, zone = message.data, None
    if isinstance(data, hot.PrivacyZoneSetData):
        zone = PrivacyZone(data.zone_id, data.latitude_deg, data.longitude_deg, data.radius_m)
    word = (message.time, zone is not None, message.id, zone)
    if data.zone_id not in hidden or word[:3] > hidden[data.zone_id][:3]:
        hidden[data.zone_id] = word


def zones_of(hidden: Hidden) -> list[PrivacyZone]:
    """The zones in force, by id."""
    return [word[3] for _, word in sorted(hidden.items()) if word[3] is not None]


def known_workouts(
    user: str,
    facts: UserFacts,
    track_of: TrackOf,
    privacy_key: bytes,
    priorities: Priorities,
    lookalikes: Mapping[tuple[str, str], Lookalike],
) -> dict[str, Known]:
    """The last word on every workout that a user ever completed, by workout id. ``lookalikes`` are by user and workout
    what is said to say the same.
    """
    profiles = list(facts.profiles.values())
    completions = {
        wid: corrected(completion, facts.corrections.get(wid, {}).values())
        for wid, completion in facts.completions.items()
    }
    living = {wid: c for wid, c in completions.items() if not _is_gone(wid, c, facts)}
    recordings = {wid: placed(track_of(user, wid), c.start_us, c.end_us) for wid, c in living.items()}
    about = {
        wid: _About(
            athlete_at(profiles, completion.start_us),
            zone_setting_at(facts.zones.values(), completion.sport, completion.start_us),
            clock_was_reset=recordings[wid][1] > 0,
        )
        for wid, completion in living.items()
    }
    tracks = {wid: track for wid, (track, _) in recordings.items()}
    summaries = {wid: _summary(completion, tracks[wid], about[wid]) for wid, completion in living.items()}
    candidates = [
        Candidate(
            wid,
            completion.start_us,
            completion.end_us,
            completion.sport,
            sum(bool(np.isfinite(getattr(tracks[wid], name)).any()) for name in CHANNELS),
            summaries[wid].sample_count,
        )
        for wid, completion in living.items()
    ]

    def own(wid: str) -> Track:
        """A recording's samples at the times that its device gave."""
        first_us, last_us = living[wid].start_us - WINDOW_SLACK_US, living[wid].end_us + WINDOW_SLACK_US
        return track_of(user, wid).between(first_us, last_us)

    def is_apart(one: str, other: str) -> bool:
        return together_apart(own(one), own(other)) is not None

    canonical = clusters(candidates, is_apart)
    counted, sources = dict(tracks), dict[str, Sources]()
    for leader in set(canonical.values()):
        others = [wid for wid, its in canonical.items() if its == leader and wid != leader]
        if others:
            counted[leader], sources[leader] = fused(leader, others, living, tracks, priorities)
            was_reset = any(about[wid].clock_was_reset for wid in (leader, *others))
            about[leader] = replace(about[leader], clock_was_reset=was_reset)
            summaries[leader] = _summary(living[leader], counted[leader], about[leader])
    circles = [hidden_circle(zone, privacy_key) for zone in zones_of(facts.hidden)]
    shown = {wid: _shown(wid, c, counted[wid], circles, about[wid]) for wid, c in living.items()} if circles else {}
    flags = integrity.flags_of(
        user,
        living,
        summaries,
        canonical,
        lambda wid: about[wid].athlete,
        counted,
        lambda wid: track_of(user, wid),
        lookalikes,
    )
    judged = {
        wid: integrity.judged(found, facts.appeals.get(wid, {}).values(), list(facts.reviews.get(wid, {}).values()))
        for wid, found in flags.items()
    }
    loads = {wid: _load(wid, living[wid], summary) for wid, summary in summaries.items() if canonical[wid] == wid}
    return {
        wid: _known(
            wid,
            completion,
            (summaries.get(wid), shown.get(wid)),
            canonical.get(wid),
            judged.get(wid, Judged()),
            loads,
            (profiles, facts.audience[2]),
            sources.get(wid, {}),
            _marks(user, wid, completion, counted.get(wid)),
        )
        for wid, completion in completions.items()
    }


def _is_gone(workout_id: str, completion: Completion, facts: UserFacts) -> bool:
    erased = facts.erased_us is not None and completion.start_us <= facts.erased_us
    return workout_id in facts.deleted or erased


@dataclass(frozen=True, slots=True)
class _About:
    """What a summary rests on besides samples and what was reported."""

    athlete: Athlete
    setting: ZoneSetting | None
    clock_was_reset: bool


def _summary(completion: Completion, track: Track, about: _About) -> Summary:
    return summarise(
        track,
        sport=completion.sport,
        start_us=completion.start_us,
        end_us=completion.end_us,
        pauses=completion.pauses,
        athlete=about.athlete,
        stated=completion.stated,
        rpe=completion.rpe,
        zone_setting=about.setting,
        clock_was_reset=about.clock_was_reset,
    )


def _shown(
    workout_id: str,
    completion: Completion,
    track: Track,
    circles: Sequence[HiddenCircle],
    about: _About,
) -> hot.ShownPart | None:
    """The workout as one that was recorded outside of the circles only."""
    inside = track.between(completion.start_us, completion.end_us)
    rows = hide(inside.latitude_deg, inside.longitude_deg, circles, workout_id)
    part, gaps = shown_part(inside, rows)
    if len(rows) and rows.all():
        return None
    stated = completion.stated
    if not len(inside) or len(part) == len(inside):
        seen = msgspec.structs.replace(completion, stated=replace(stated, ascent_m=None, descent_m=None))
    elif not len(part):
        seen = msgspec.structs.replace(completion, start_us=completion.end_us, pauses=(), stated=Stated(), rpe=None)
    else:
        first_us, last_us = int(part.time_us.min()), int(part.time_us.max())
        overlapping = [(a, b) for a, b in completion.pauses if a < last_us and b > first_us]
        cut = [(max(a, first_us), min(b, last_us)) for a, b in overlapping]
        pauses = tuple(sorted(cut + gaps))
        seen = msgspec.structs.replace(completion, start_us=first_us, end_us=last_us, pauses=pauses, stated=Stated())
    summary = _summary(seen, part, about)
    return hot.ShownPart(start=seen.start_us, end=seen.end_us, summary=_as_message(summary))


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
    figures: tuple[Summary | None, hot.ShownPart | None],
    leader: str | None,
    judged: Judged,
    loads: Mapping[str, LoadFact],
    user: tuple[Sequence[Profile], str],
    sources: Sources,
    marks: Marked | None,
) -> Known:
    profiles, audience = user
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
            visibility=hot.WorkoutVisibility(
                workout=completion.visibility.workout,
                map=completion.visibility.map,
                heart_rate=completion.visibility.heart_rate,
            ),
            summary=None if figures[0] is None else _as_message(figures[0]),
            flags=judged.flags,
            shadowed=judged.shadowed,
            private=status != "deleted" and (completion.visibility.workout or audience) == "only_me",
            appeal=judged.appeal,
            review=judged.review,
            shown=figures[1],
            channel_sources=tuple(
                hot.ChannelSource(channel=name, workout_id=id) for name, ids in sources.items() for id in ids
            ),
        ),
        features=hot.FeaturesComputedData(
            workout_id=workout_id,
            status=status,
            at=completion.end_us,
            local_day=end_day,
            names_version=NAMES_VERSION,
            features=values,
        ),
        marks=marks,
    )


def _marks(user: str, workout_id: str, completion: Completion, track: Track | None) -> Marked | None:
    if track is None:
        return None
    start_us, end_us = completion.start_us, completion.end_us
    marks = fingerprint_of(track.between(start_us - WINDOW_SLACK_US, end_us + WINDOW_SLACK_US))
    return Marked(user, workout_id, completion.accepted_us, start_us, end_us, marks)


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


def _completion(message: hot.WorkoutCompleted, logged_ms: int) -> Completion:
    data = message.data
    stated = data.stated
    return Completion(
        event_id=message.id,
        time_us=message.time,
        accepted_us=1000 * logged_ms,
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
        visibility=_said(data.visibility),
        source=message.source,
    )


def _said(visibility: hot.WorkoutVisibility) -> Override:
    return Override(workout=visibility.workout, map=visibility.map, heart_rate=visibility.heart_rate)
