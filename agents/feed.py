"""Workouts, follows, blocks and reactions become activity feeds in MongoDB.

In, keyed by the athlete: workout summaries, social events, user events (who is registered, who may see what, privacy
zones). Out: ``timelines``, an athlete's own workouts; ``feeds``, a document for each reader and week, written to every
follower of athletes whom few follow; ``circles``, whom a user follows and blocks, and what they show to whom. A workout
is in the feed of those who follow since before it ended, whichever of the two facts came first.
"""

from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.privacy_key import PrivacyKey
from stridelog.projections.feed_facts import FACTS
from stridelog.projections.feeds import FanOut, Feeds


@agent(role="social", stores=("mongo",), facts=FACTS, resources=(FanOut, PrivacyKey), registered_users_only=True)
async def feed(batch: Batch, context: Context) -> Writes:
    """Keep the batch's facts, and write the items and circles that they touch."""
    most, key = context.resource(FanOut).most, context.resource(PrivacyKey).key
    feeds = Feeds(context.state, batch.span, most, key)
    dropped = feeds.keep(batch.records)
    return Writes(mongo=feeds.documents(), dropped=dropped)
