"""Workout summaries become rankings in Redis.

In: the last word on each workout, and user events for names, keyed by user. Out: a sorted set for each board whose
period is recent, with the user's whole score, so that top lists, one's own rank and one's neighbours are read in a
moment; of equal scores the one who got there first is ahead. Beside them ``RankAnnouncer`` says what has changed at the
head of boards.
"""

from secrets import token_hex

from schemas import hot
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.boards import rank_commands, touch
from stridelog.projections.efforts import BoardFact
from stridelog.projections.users import name_commands
from stridelog.rank_announcer import RankAnnouncer


@agent(role="social", stores=("redis",), facts=(BoardFact,), resources=(RankAnnouncer,))
async def rankings(batch: Batch, context: Context) -> Writes:
    """Set each user's whole score on the boards that are kept."""
    touched = touch(batch, context.state)
    logged_ms = max((logged for logged, _ in batch.logged(hot.WorkoutSummarised)), default=0)
    ranked = rank_commands(touched, context.keys, logged_ms, token_hex(8))
    return Writes(redis=[*name_commands(batch, context.keys), *ranked], dropped=touched.dropped)
