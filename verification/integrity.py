"""From a user's living workouts to their flags, and from reviews to what is kept off the boards."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.athlete import Athlete
from domain.copies import Lookalike
from domain.integrity import check, within
from domain.integrity_flags import Context, Elsewhere, Flag
from domain.integrity_place_rules import in_two_places
from domain.reviews import is_shadowed, last_appeal, last_of, verdict_on
from domain.summary import Summary
from domain.track import Track
from domain.workouts import Appeal, Completion, Review
from schemas import hot


@dataclass(frozen=True, slots=True)
class Judged:
    """What must be said of a workout besides its figures."""

    flags: tuple[hot.Flag, ...] = ()
    shadowed: bool = False
    appeal: str | None = None
    review: hot.Review | None = None


def flags_of(
    user: str,
    living: Mapping[str, Completion],
    summaries: Mapping[str, Summary],
    leaders: Mapping[str, str],
    athlete_of: Callable[[str], Athlete],
    counted: Mapping[str, Track],
    track_of: Callable[[str], Track],
    lookalikes: Mapping[tuple[str, str], Lookalike],
) -> dict[str, tuple[Flag, ...]]:
    """What the rules say against each living workout; ``leaders`` is the workout that counts of each one's copies,
    ``counted`` the track that each summary is of. Where else its athlete was is seen by its own samples, ``track_of``.
    """
    contexts = {
        wid: Context(
            user,
            wid,
            c.accepted_us,
            c.start_us,
            c.end_us,
            c.pauses,
            lookalike=lookalikes.get((user, wid)),
        )
        for wid, c in living.items()
    }
    beside = _beside(living)
    found: dict[str, tuple[Flag, ...]] = {}
    for wid, completion in living.items():
        own = contexts[wid]
        found[wid] = check(counted[wid], summaries[wid], completion.sport, athlete_of(wid), own)
        elsewhere = tuple(
            Elsewhere(other, contexts[other].accepted_us, within(track_of(other), contexts[other]))
            for other in beside.get(wid, ())
            if leaders[other] != leaders[wid]
        )
        if elsewhere:
            context = Context(own.user, wid, own.accepted_us, own.start_us, own.end_us, own.pauses, elsewhere=elsewhere)
            flag = in_two_places(within(track_of(wid), own), context)
            found[wid] += () if flag is None else (flag,)
    return found


def judged(flags: Sequence[Flag], appeals: Iterable[Appeal], reviews: Sequence[Review]) -> Judged:
    """What a living workout's message and document say."""
    appeal, review = last_appeal(appeals), last_of(reviews)
    said = None
    if review is not None:
        said = hot.Review(at=review.time_us, reviewer=review.reviewer, verdict=review.verdict, why=review.why)
    return Judged(
        flags=tuple(_as_message(flag, reviews) for flag in flags),
        shadowed=is_shadowed(flags, reviews),
        appeal=None if appeal is None else appeal.text,
        review=said,
    )


def believed(data: hot.WorkoutSummarisedData) -> bool:
    """Whether achievements, goals and segments count a workout."""
    return data.status == "counted" and not data.shadowed


def ranks(data: hot.WorkoutSummarisedData) -> bool:
    """Whether boards, rankings and challenges count a workout: also somebody else may see it."""
    return believed(data) and not data.private


def _beside(living: Mapping[str, Completion]) -> dict[str, list[str]]:
    """By workout, those that run at the same time."""
    beside: dict[str, list[str]] = {}
    running: list[tuple[int, str]] = []  # end, workout
    for start_us, end_us, wid in sorted((c.start_us, c.end_us, wid) for wid, c in living.items()):
        running = [(end, other) for end, other in running if end > start_us]
        for _, other in running:
            beside.setdefault(wid, []).append(other)
            beside.setdefault(other, []).append(wid)
        running.append((end_us, wid))
    return beside


def _as_message(flag: Flag, reviews: Sequence[Review]) -> hot.Flag:
    where = flag.evidence
    return hot.Flag(
        rule=flag.rule,
        rule_version=flag.version,
        decision=flag.decision,
        reason=flag.reason,
        start_us=where.start_us,
        end_us=where.end_us,
        value=where.value,
        limit=where.limit,
        figure_unit=where.unit,
        verdict=verdict_on(flag, reviews),
    )
