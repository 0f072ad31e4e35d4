"""A town's history and recordings into the log, for ``stridelog run``: at once, with progress."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from simulator.faults import Faults
from simulator.message import Dispatch
from simulator.town import MESSAGE_TYPES as TOWN_MESSAGES
from simulator.town import Town
from stridelog.cli.simulate import Tally, send_town, town_config
from stridelog.pace import AsFastAsPossible
from stridelog.producer import Producer
from stridelog.replay import MESSAGE_TYPES as RECORDED_MESSAGES
from stridelog.replay import FileResult, replay
from stridelog.settings import Settings
from stridelog.town_file import TownFile

__all__ = ["Tally", "send_history", "send_recordings"]

_US_PER_S = 1_000_000
_SAID_EVERY = 500  # messages


async def send_history(settings: Settings, town: TownFile, last_day: date, say: Callable[[date, Tally], None]) -> Tally:
    """Send the town's days that are not in the log yet, up to the end of ``last_day``, with all faults; ``say`` is told
    how far it is.

    Raises ``UserError`` if Kafka does not answer or topics are missing.
    """
    config = town_config(
        athletes=town.athletes,
        days=town.days_until(last_day),
        seed=town.seed,
        end=last_day.isoformat(),
        live=False,
        sampling_s=0,
        faults=Faults(),
        now=datetime.now(UTC),
    )
    if town.sent_until is not None:
        next_day = town.next_day
        from_us = int(datetime(next_day.year, next_day.month, next_day.day, tzinfo=UTC).timestamp()) * _US_PER_S
        config = replace(config, from_us=from_us)
    tally = Tally()
    began = time.monotonic()

    def on_message(message: Dispatch) -> None:
        tally.count(message)
        if tally.messages.total() % _SAID_EVERY == 0:
            say(datetime.fromtimestamp(message.at_us // _US_PER_S, UTC).date(), tally)

    producer = await Producer(settings).open(TOWN_MESSAGES)
    async with producer:
        await send_town(Town(config), producer, AsFastAsPossible(), on_message, max(config.start_us, config.from_us))
    tally.seconds = time.monotonic() - began
    return tally


async def send_recordings(
    settings: Settings, files: Sequence[Path], athlete: str, zone: str, say: Callable[[FileResult], None]
) -> list[FileResult]:
    """Send recordings as an athlete's, as fast as possible, in ``zone`` those that do not tell where they were made;
    ``say`` is told what became of each file.
    """
    producer = await Producer(settings).open(RECORDED_MESSAGES)
    async with producer:
        return await replay(
            files,
            user=athlete,
            zone=zone,
            producer=producer,
            pace=AsFastAsPossible(),
            on_frame=lambda path, share: None,
            on_file=say,
        )
