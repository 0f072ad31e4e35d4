"""Days of all-day wear become resting heart rate and heart-rate variability in ClickHouse.

In: *wear stored*, keyed by user: samples of a local day are in ClickHouse. Out: ``wellness_days``, a row for each
athlete and local day, worked out from all of the day's samples and heart beats. So a late, resent or overlapping frame
makes the day anew, and nothing else.
"""

from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.wellness import Wear, WornDay
from stridelog.wear_reader import WearReader


@agent(role="workouts", stores=("clickhouse",), facts=(WornDay,), resources=(WearReader,))
async def wellness(batch: Batch, context: Context) -> Writes:
    """Read the days that the batch touches, and write what they are now."""
    wear = Wear(batch, context.state)
    async for worn in context.resource(WearReader).windows(wear.windows()):
        wear.take(worn)
    return Writes(clickhouse=[wear.rows()])
