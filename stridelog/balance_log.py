"""How much of W' was left through a workout, from its samples and the critical power of its time."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from domain.cleaning import cleaned
from domain.critical_power import lowest_balance_j, w_prime_balance_differential_j, w_prime_balance_integral_j
from domain.power import power_on_elapsed_seconds
from domain.segment_efforts import of_workout
from domain.timeline import timeline_of
from domain.track import FloatColumn, Track
from sinks.base import SinkUnavailable
from stridelog.errors import UserError
from stridelog.queries import Queries
from stridelog.readers import Key, SamplesReader
from stridelog.threshold_log import threshold_log

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def balance_log(queries: Queries, workout_id: str) -> dict[str, Any]:
    """``user``, ``name``, ``critical_power_w`` and ``w_prime_j`` as estimated when the workout began, ``lowest`` by
    both models (``balance_j``, and ``at_s`` after the first sample), and ``balance_j``, the differential one for each
    second.

    Raises ``UserError`` where the workout, its power, or the athlete's critical power is not known.
    """
    document = await queries.workout(workout_id)
    if document is None:
        raise UserError(f"no workout {workout_id!r}: ids are in the feed (stridelog feed USER)")
    user, begin = document["user"], _EPOCH + timedelta(microseconds=document["start"])
    estimated = {one["kind"]: one["estimated"] for one in await threshold_log(queries, user, at=begin)}
    cp, w_prime = estimated.get("critical_power_w"), estimated.get("w_prime_j")
    if cp is None or w_prime is None:
        raise UserError(
            f"no critical power of {user} is known on {begin.date()}: it needs best powers over 2 to 20 min that fit a"
            f" line (stridelog thresholds {user})"
        )
    sources = [one["workout_id"] for one in document["channel_sources"] if one["channel"] == "power"] or [workout_id]
    tracks = await _tracks(queries, [(user, source) for source in sources])
    watts = power_of(tracks, document["start"], document["end"], document["sport"])
    if not watts.any():
        raise UserError(f"workout {workout_id!r} has no power: there is no balance of W' without it")
    models = {
        "differential": w_prime_balance_differential_j(watts, cp["value"], w_prime["value"]),
        "integral": w_prime_balance_integral_j(watts, cp["value"], w_prime["value"]),
    }
    lowest = {name: lowest_balance_j(balance) for name, balance in models.items()}
    return {
        "workout_id": workout_id,
        "user": user,
        "name": document["name"],
        "critical_power_w": cp["value"],
        "w_prime_j": w_prime["value"],
        "lowest": {name: {"balance_j": round(low[0]), "at_s": low[1]} for name, low in lowest.items() if low},
        "balance_j": [round(one) for one in models["differential"].tolist()],
    }


def power_of(tracks: Iterable[Track], start_us: int, end_us: int, sport: str) -> FloatColumn:
    """Cleaned power for each second from the first sample of a workout on, (n,) watts: 0 where it is unknown; of the
    recording that has most of it. Empty without any.
    """
    ways = [of_workout(track, start_us, end_us) for track in tracks]
    way = max(ways, key=lambda way: np.count_nonzero(np.isfinite(way.power_w)))
    if not np.isfinite(way.power_w).any():
        return np.empty(0)
    timeline = timeline_of(way, start_us, end_us, ())
    return power_on_elapsed_seconds(cleaned(way, timeline, sport).track.power_w, timeline)


async def _tracks(queries: Queries, keys: Sequence[Key]) -> list[Track]:
    reader, found = SamplesReader(queries.settings), dict[Key, Track]()
    try:
        await reader.open()
        async for tracks in reader.tracks(keys):
            found |= tracks
    except SinkUnavailable as error:
        raise UserError(f"the samples cannot be read ({error}): start the stack with 'make up'") from error
    finally:
        await reader.close()
    return [found[key] for key in keys]
