"""Workout summaries become rankings in Redis.

In: the last word on each workout, and user events for names, of which the latest by its own time counts, keyed by
user. Out: a sorted set for each board whose period is recent, with the user's whole score, so that top lists, one's
own rank and one's neighbours are read in a moment; of equal scores the one who got there first is ahead. Beside them
``RankAnnouncer`` says what has changed at the head of boards.
"""

from secrets import token_hex

from domain.workouts import Erasure
from schemas import hot
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.boards import rank_commands, touch
from stridelog.projections.efforts import BoardFact
from stridelog.projections.users import NameSaid, keep, name_commands, name_said
from stridelog.rank_announcer import RankAnnouncer


@agent(role="social", stores=("redis",), facts=(BoardFact, NameSaid, Erasure), resources=(RankAnnouncer,))
async def rankings(batch: Batch, context: Context) -> Writes:
    """Set each user's whole score on the boards that are kept, and their name."""
    said = keep(batch, context.state, name_said, other="not_for_rankings", beside=(hot.WorkoutSummarised,))
    names = name_commands(said.offsets, context.state, context.keys)
    touched = touch(batch, context.state)
    logged_ms = max((logged for logged, _ in batch.logged(hot.WorkoutSummarised)), default=0)
    ranked = rank_commands(touched, context.keys, logged_ms, token_hex(8))
    return Writes(redis=[*names, *ranked], dropped=touched.dropped + said.dropped)
