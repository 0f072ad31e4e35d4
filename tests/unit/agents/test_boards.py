"""What boards count of a workout, worked by hand."""

import asyncio

from domain.boards import BoardKey, Score
from schemas import hot
from sinks.base import Span
from stridelog.batch import Batch, Record
from stridelog.projections.boards import touch
from stridelog.projections.efforts import BoardFact
from stridelog.state import State
from tests.messages import partly_hidden, summarised
from verification import boards
from verification.outcomes import Valid

T0 = 1_760_000_000_000_000  # 2025-10-09
WORKOUT = "00000001-0000-4000-8000-000000000000"
DISTANCE = BoardKey("distance", "running", "all", "all")


def scores(*messages: hot.WorkoutSummarised) -> list[dict[BoardKey, Score]]:
    """After each message: what the agents find, which must be what verification expects by then."""
    state, found = State(None, (BoardFact,), 10_000), []

    async def load() -> None:
        await state.load({message.user for message in messages})

    asyncio.run(load())
    for offset, message in enumerate(messages):
        batch = Batch(Span("workout-summaries", 0, offset, offset + 1), [Record(offset, 0, message)])
        touched = touch(batch, state).scores[message.user]
        found.append({key: score for key, score in touched.items() if score.counts})
        last = boards.last_of([Valid(offset, 0, message)])
        assert found[-1] == boards.board_scores(boards.ranked_efforts(last)).get(message.user, {})
    return found


def test_what_a_privacy_zone_hides_of_a_workout_is_on_no_board_until_it_is_lifted() -> None:
    whole = summarised(WORKOUT, T0, distance_m=5_000.0)
    before, while_hidden, after = (found[DISTANCE] for found in scores(whole, partly_hidden(whole, 4_200.0), whole))
    assert (before.value, while_hidden.value, after.value) == (5_000.0, 4_200.0, 5_000.0)
    end_us = whole.data.end
    assert (before.achieved_us, while_hidden.achieved_us) == (end_us, end_us - 600_000_000)


def test_a_workout_that_only_its_athlete_may_see_is_on_no_board() -> None:
    seen, private = (summarised(WORKOUT, T0, distance_m=5_000.0, private=private) for private in (False, True))
    before, while_private, after = scores(seen, private, seen)
    assert before[DISTANCE].value == 5_000.0
    assert while_private == {}
    assert after == before
