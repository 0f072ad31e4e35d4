"""Workouts, follows and reactions become activity feeds in MongoDB.

In, keyed by the athlete: workout summaries, social events, user events (to know who is registered). Out: collection
``feeds``, a document for each reader and week, written to every follower (fan-out on write). A workout is in the feed
of those who followed the athlete when it ended, whichever of the two facts came first.
"""

from domain.feeds import FollowChange, Reaction
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.feeds import FeedFact, Feeds


@agent(role="social", stores=("mongo",), facts=(FollowChange, FeedFact, Reaction), registered_users_only=True)
async def feed(batch: Batch, context: Context) -> Writes:
    """Keep the batch's facts, and write the items that they touch to the feeds that they belong in."""
    feeds = Feeds(context.state, batch.span)
    dropped = feeds.keep(batch.records)
    return Writes(mongo=feeds.documents(), dropped=dropped)
