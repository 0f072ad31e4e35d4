"""Summaries as facts: what boards and training days know of each workout, and what a batch changes of it."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import msgspec

from domain.boards import Effort
from schemas import hot
from stridelog.batch import Batch
from stridelog.state import State


class BoardFact(msgspec.Struct, frozen=True):
    """A workout as boards or days know it, whether it counts for them, and every other form (day, sport) it has had:
    there it may have left a trace.
    """

    effort: Effort
    counted: bool
    earlier: tuple[Effort, ...] = ()


@dataclass
class Kept:
    """What a batch changes: by user, the workouts in all the forms that they had, and the offset of the last record."""

    forms: dict[str, list[Effort]] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)


def counts(data: hot.WorkoutSummarisedData) -> bool:
    """Whether a workout counts for its own athlete."""
    return data.status == "counted"


def is_believed(data: hot.WorkoutSummarisedData) -> bool:
    """Whether a workout counts and is not in the shadow of a flag."""
    return counts(data) and not data.shadowed


def ranks(data: hot.WorkoutSummarisedData) -> bool:
    """Whether a workout counts for what compares athletes: it is believed, and somebody else may see it."""
    return is_believed(data) and not data.private


def as_others_see(data: hot.WorkoutSummarisedData) -> hot.WorkoutSummarisedData:
    """A workout without the part that its athlete's privacy zones hide: its end and its figures are of the rest."""
    part = data.shown
    return data if part is None else msgspec.structs.replace(data, end=part.end, summary=part.summary)


def keep(
    batch: Batch,
    state: State,
    bests: Collection[str] = (),
    counted: Callable[[hot.WorkoutSummarisedData], bool] = counts,
    seen: Callable[[hot.WorkoutSummarisedData], hot.WorkoutSummarisedData] = lambda data: data,
) -> Kept:
    """Keep the batch's summaries as facts: as they are ``seen``, with the best efforts of these names and whether each
    is ``counted``.
    """
    kept = Kept()
    for offset, message in batch.of(hot.WorkoutSummarised):
        known = state.get(message.user, BoardFact, message.data.workout_id)
        fact = _fact(seen(message.data), known.fact if known else None, bests, counted(message.data))
        if known is not None and known.fact == fact and known.settled(batch.span):
            kept.dropped["duplicate"] += 1
            continue
        state.put(message.user, message.data.workout_id, fact, offset)
        kept.forms.setdefault(message.user, []).extend((fact.effort, *fact.earlier))
        kept.offsets[message.user] = offset
    return kept


def effort_of(data: hot.WorkoutSummarisedData, bests: Collection[str] = ()) -> Effort:
    """A workout as boards count it, with the best efforts of these names; a deleted one has no figures."""
    summary = data.summary
    return Effort(
        workout_id=data.workout_id,
        sport=data.sport,
        end_us=data.end,
        day=data.local_day,
        distance_m=summary.distance_m if summary else 0.0,
        moving_time_s=summary.moving_time_s if summary else 0.0,
        elevation_gain_m=(summary.elevation_gain_m or 0.0) if summary else 0.0,
        load=summary.load if summary else 0.0,
        bests=tuple(
            (best.name, best.duration_s if best.power_w is None else best.power_w)
            for best in (summary.best_efforts if summary else ())
            if best.name in bests
        ),
    )


def _fact(
    data: hot.WorkoutSummarisedData, before: BoardFact | None, bests: Collection[str], counted: bool
) -> BoardFact:
    effort = effort_of(data, bests)
    forms = {(form.day, form.sport): form for form in (*before.earlier, before.effort)} if before else {}
    forms.pop((effort.day, effort.sport), None)
    return BoardFact(effort, counted, tuple(forms.values()))
