"""Workout summaries become leaderboards in ClickHouse.

In: the last word on each workout, keyed by user. Out: ``board_scores``, a row with the user's whole score on each board
that the workout touches, and ``workouts``, a row a workout for analysts. An edit or a deletion changes the boards of
the old day and sport too.
"""

from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.boards import score_rows, touch, workout_rows
from stridelog.projections.efforts import BoardFact
from stridelog.standing_keeper import StandingKeeper


@agent(role="social", stores=("clickhouse",), facts=(BoardFact,), resources=(StandingKeeper,))
async def leaderboards(batch: Batch, context: Context) -> Writes:
    """Work out whole scores of the users of the batch from all their workouts."""
    touched = touch(batch, context.state)
    return Writes(clickhouse=[score_rows(touched, batch.span.partition), workout_rows(batch)], dropped=touched.dropped)
