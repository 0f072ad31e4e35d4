"""Workout summaries become progress in challenges (ClickHouse) and goals (MongoDB), and messages of targets reached.

In, keyed by user: workouts, who takes part and their goals, user events (to know who is registered, and who was
erased); of which every partition has a copy: groups and challenges. Out: ``challenge_scores``, a row with the user's
whole part for each challenge they are in; collections ``challenges`` and ``goals``; a message for each target
reached, moved or revoked.
"""

from domain.challenges import ChallengeEvent, Entry
from domain.goals import GoalEvent
from domain.groups import GroupEvent
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.homes import Homes
from stridelog.projections.participation import Participation
from stridelog.projections.targets import Erased, SaidTarget, TargetWorkout


@agent(
    role="social",
    stores=("clickhouse", "mongo"),
    facts=(GroupEvent, ChallengeEvent, Entry, GoalEvent, TargetWorkout, Erased, SaidTarget),
    resources=(Homes,),
    registered_users_only=True,
)
async def challenges(batch: Batch, context: Context) -> Writes:
    """Keep the batch's facts, and write the parts, goals and targets that they change."""
    found = Participation(context.state, batch.span, context.resource(Homes))
    dropped = await found.keep(batch.records)
    return Writes(
        clickhouse=[found.challenges.rows()],
        mongo=found.challenges.documents() + found.goals.documents(),
        messages=found.sayings.messages(),
        dropped=dropped,
    )
