"""User events become the athletes by whom boards can be narrowed.

In, keyed by user: user events. Out: ``athletes``, a row with sex, year of birth and country of each registered user as
last said; of an erased one a row without.
"""

from domain.residents import Told
from domain.workouts import Erasure
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.athletes import athlete_rows, told
from stridelog.projections.users import keep


@agent(role="social", stores=("clickhouse",), facts=(Told, Erasure))
async def athletes(batch: Batch, context: Context) -> Writes:
    """Keep what users say, and write who they are now."""
    said = keep(batch, context.state, told, other="not_for_athletes")
    return Writes(clickhouse=[athlete_rows(said.offsets, context.state, batch.span.partition)], dropped=said.dropped)
