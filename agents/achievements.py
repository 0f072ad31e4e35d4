"""Workout summaries and targets become achievements in MongoDB.

In: the last word on each workout and on each target of a challenge or goal, keyed by user. Out: collection
``achievements``, a document for each user and achievement with the awards that the rules of ``achievements.yaml``
give for all of the user's workouts and targets, and a message for each award that is earned, moved to another day, or
revoked.
"""

import asyncio

from stridelog.achievements_file import RulesInForce
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.achievements import AwardFact, Awards, DoneFact, WorkoutFact


@agent(role="social", stores=("mongo",), facts=(WorkoutFact, DoneFact, AwardFact), resources=(RulesInForce,))
async def achievements(batch: Batch, context: Context) -> Writes:
    """Keep the batch's workouts and targets, and write the awards that they change."""
    awards = Awards(context.state, context.resource(RulesInForce).rules, batch.span)
    for offset, _, message in batch.records:
        awards.keep(offset, message)
        await asyncio.sleep(0)  # years of old workouts, newest first, take long: others go on meanwhile
    return Writes(mongo=awards.documents(), messages=awards.messages(), dropped=awards.dropped)
