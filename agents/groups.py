"""Group events become groups in MongoDB.

In: what happens to groups, of which every partition has a copy. Out: collection ``groups``, a document a group with
its members and their roles, and ``memberships``, a document a user with the groups that they are in. Of the copies
one is acted upon: that of the group's home partition.
"""

from domain.groups import GroupEvent
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.homes import Homes
from stridelog.projections.groups import Groups


@agent(role="social", stores=("mongo",), facts=(GroupEvent,), resources=(Homes,))
async def groups(batch: Batch, context: Context) -> Writes:
    """Keep the batch's events, and write the groups that they touch."""
    found = Groups(context.state, batch.span, context.resource(Homes))
    dropped = found.keep(batch.records)
    return Writes(mongo=found.documents(), dropped=dropped)
