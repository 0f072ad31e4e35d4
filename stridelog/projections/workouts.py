"""A user's workouts as messages and documents."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, Self

import msgspec
import numpy as np

from domain.copies import Marked
from domain.days import local_day
from domain.features import NAMES_VERSION, LoadFact, features
from domain.fingerprint import Fingerprint
from domain.reviews import is_shadowed, last_appeal, last_of, verdict_on
from domain.shown import ShownPart
from domain.visibility import Audience
from domain.workouts import Appeal, Completion, Profile, Review, Summarised, athlete_at
from schemas import hot
from schemas.types import TIME_MAX_US
from sinks.base import Document

PRODUCER: Final = "stridelog/workouts"


def day_of(completion: Completion) -> date:
    """The local day of the workout's start."""
    return local_day(completion.start_us, completion.zone)


def status_of(done: Summarised | None) -> Literal["counted", "duplicate", "deleted"]:
    """What a workout counts as; without a summary it was deleted."""
    if done is None:
        return "deleted"
    return "counted" if done.duplicate_of is None else "duplicate"


@dataclass(frozen=True, slots=True)
class Judged:
    """What rules and people say of a workout, as messages and documents have it."""

    flags: tuple[hot.Flag, ...] = ()
    shadowed: bool = False
    appeal: str | None = None
    review: hot.Review | None = None

    @classmethod
    def of(cls, done: Summarised | None, reviews: Collection[Review], appeals: Iterable[Appeal]) -> Self:
        """From the facts; of a workout that was deleted nothing is said."""
        if done is None:
            return cls()
        appeal, review = last_appeal(appeals), last_of(reviews)
        return cls(
            flags=tuple(
                hot.Flag(
                    rule=flag.rule,
                    rule_version=flag.version,
                    decision=flag.decision,
                    reason=flag.reason,
                    start_us=flag.evidence.start_us,
                    end_us=flag.evidence.end_us,
                    value=flag.evidence.value,
                    limit=flag.evidence.limit,
                    figure_unit=flag.evidence.unit,
                    verdict=verdict_on(flag, reviews),
                )
                for flag in done.flags
            ),
            shadowed=is_shadowed(done.flags, reviews),
            appeal=appeal.text if appeal else None,
            review=None
            if review is None
            else hot.Review(at=review.time_us, reviewer=review.reviewer, verdict=review.verdict, why=review.why),
        )


def load_fact(workout_id: str, done: Summarised) -> LoadFact:
    """The workout as far as features are concerned."""
    summary = done.summary
    return LoadFact(
        workout_id=workout_id,
        sport=done.sport,
        start_us=done.start_us,
        end_us=done.end_us,
        day=done.day,
        load=summary.load,
        distance_m=summary.distance_m,
        moving_time_s=summary.moving_time_s,
        elevation_gain_m=summary.elevation_gain_m or 0.0,
    )


def summarised(
    user: str, workout_id: str, completion: Completion, done: Summarised | None, judged: Judged, profile: Audience
) -> hot.WorkoutSummarised:
    """The last word on a workout; ``done`` is ``None`` when it was deleted. Who may see it says the workout, or else
    the ``profile``.
    """
    data = hot.WorkoutSummarisedData(
        workout_id=workout_id,
        status=status_of(done),
        duplicate_of=done.duplicate_of if done else None,
        sport=completion.sport,
        title=completion.title if done else None,
        start=completion.start_us,
        end=completion.end_us,
        local_day=day_of(completion),
        device_id=completion.device_id if done else None,
        visibility=msgspec.convert(completion.visibility, hot.WorkoutVisibility, from_attributes=True),
        summary=msgspec.convert(done.summary, hot.Summary, from_attributes=True) if done else None,
        flags=judged.flags,
        shadowed=judged.shadowed,
        private=done is not None and (completion.visibility.workout or profile) == "only_me",
        appeal=judged.appeal,
        review=judged.review,
        shown=_shown(done.shown) if done and done.shown else None,
        channel_sources=tuple(hot.ChannelSource(channel=c, workout_id=w) for c, w in done.sources) if done else (),
    )
    return hot.WorkoutSummarised.of(
        user=user, time=completion.end_us, zone=completion.zone, source=PRODUCER, producer=PRODUCER, data=data
    )


def marked_of(user: str, workout_id: str, completion: Completion, marks: Fingerprint) -> Marked:
    """A workout with its marks; one of which it is not known when the log took it in comes last."""
    accepted_us = min(completion.accepted_us, TIME_MAX_US)
    return Marked(user, workout_id, accepted_us, completion.start_us, completion.end_us, marks)


def track_marked(marked: Marked, zone: str) -> hot.TrackMarked:
    """The marks of a workout's track, which was recorded in a time zone."""
    data = hot.TrackMarkedData(
        workout_id=marked.workout_id,
        accepted=marked.accepted_us,
        start=marked.start_us,
        end=marked.end_us,
        digest=marked.digest,
        position=marked.marks.position,
        heart_rate=marked.marks.heart_rate,
        power=marked.marks.power,
    )
    return hot.TrackMarked.of(
        user=marked.user, time=marked.end_us, zone=zone, source=PRODUCER, producer=PRODUCER, data=data
    )


def _shown(part: ShownPart) -> hot.ShownPart:
    summary = msgspec.convert(part.summary, hot.Summary, from_attributes=True)
    return hot.ShownPart(start=part.start_us, end=part.end_us, summary=summary)


def features_computed(
    user: str,
    workout_id: str,
    completion: Completion,
    done: Summarised | None,
    facts: Sequence[LoadFact],
    profiles: Sequence[Profile],
) -> hot.FeaturesComputed:
    """The features as of the workout's end, from the user's counted workouts; none unless the workout counts."""
    values: tuple[float | None, ...] = ()
    if done is not None and done.duplicate_of is None:
        at_day = local_day(completion.end_us, completion.zone)
        athlete = athlete_at(profiles, completion.end_us)
        row = features(facts, completion.end_us, at_day, athlete, load_fact(workout_id, done))
        values = tuple(None if np.isnan(value) else float(value) for value in row)
    data = hot.FeaturesComputedData(
        workout_id=workout_id,
        status=status_of(done),
        at=completion.end_us,
        local_day=local_day(completion.end_us, completion.zone),
        names_version=NAMES_VERSION,
        features=values,
    )
    return hot.FeaturesComputed.of(
        user=user, time=completion.end_us, zone=completion.zone, source=PRODUCER, producer=PRODUCER, data=data
    )


def document(user: str, workout_id: str, completion: Completion, done: Summarised | None, judged: Judged) -> Document:
    """The read model's document; a deleted workout has none."""
    if done is None:
        return Document("workouts", workout_id)
    fields: dict[str, Any] = {
        "user": user,
        "status": status_of(done),
        "duplicate_of": done.duplicate_of,
        "sport": completion.sport,
        "title": completion.title,
        "start": completion.start_us,
        "end": completion.end_us,
        "zone": completion.zone,
        "local_day": day_of(completion).isoformat(),
        "device_id": completion.device_id,
        "visibility": msgspec.to_builtins(completion.visibility),
        "summary": msgspec.to_builtins(done.summary),
        "flags": [msgspec.structs.asdict(flag) for flag in judged.flags],
        "shadowed": judged.shadowed,
        "appeal": judged.appeal,
        "review": msgspec.structs.asdict(judged.review) if judged.review else None,
        "shown": _shown_fields(done.shown) if done.shown else None,
        "channel_sources": [{"channel": channel, "workout_id": id} for channel, id in done.sources],
    }
    return Document("workouts", workout_id, set=fields)


def _shown_fields(part: ShownPart) -> dict[str, Any]:
    return {"start": part.start_us, "end": part.end_us, "summary": msgspec.to_builtins(part.summary)}
