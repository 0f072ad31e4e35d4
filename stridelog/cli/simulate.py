"""`stridelog simulate`: a town of athletes into the log, its history or live."""

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from simulator.faults import Faults
from simulator.message import Dispatch
from simulator.town import MESSAGE_TYPES, Town, TownConfig
from stridelog.errors import UserError
from stridelog.pace import AsFastAsPossible, Pace, Scaled, UpToNow, pace_of
from stridelog.producer import Outlet, Producer
from stridelog.settings import settings

LIVE_SAMPLING_S: Final = 1
LIVE_SAMPLES_PER_FRAME: Final = 10
HISTORY_SAMPLES_PER_FRAME: Final = 60
_PEOPLE: Final = frozenset({"UserRegistered", "ConsentChanged"})
_DAY: Final = timedelta(days=1)
_FIRST_DAY: Final = date(2000, 2, 1)  # people register up to 30 days before, and the log begins with 2000


@dataclass(slots=True)
class Tally:
    """What was sent."""

    messages: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)
    value_bytes: int = 0
    seconds: float = 0.0

    def count(self, message: Dispatch) -> None:
        """Add one message."""
        self.messages[message.type] += 1
        self.value_bytes += len(message.value)
        if message.fault is not None:
            self.faults[message.fault] += 1
        if message.dead is not None:
            self.dead[message.dead.value] += 1


def simulate(
    athletes: Annotated[int, typer.Option(min=1, max=1_000_000, help="Athletes in the town.")] = 1_000,
    days: Annotated[int, typer.Option(min=1, max=3_650, help="Days of history before END.")] = 90,
    seed: Annotated[int, typer.Option(min=0, help="The same seed sends the same bytes.")] = 1,
    end: Annotated[str, typer.Option(metavar="DATE", help="Last day, up to now at most; default: today.")] = "",
    live: Annotated[
        bool, typer.Option("--live", help="Go on where the history ends: athletes who train right now.")
    ] = False,
    speed: Annotated[
        str, typer.Option(help="With --live: how many times faster than real, until the present is reached.")
    ] = "real",
    minutes: Annotated[float, typer.Option(min=0, help="With --live: stop after so long; 0: on Ctrl-C.")] = 0,
    sampling_s: Annotated[
        int, typer.Option(min=0, max=60, help="Seconds between samples; 0: 5 for history, 1 for --live.")
    ] = 0,
    resend: Annotated[bool, typer.Option(help="Frames and completions sent twice.")] = True,
    overlap: Annotated[bool, typer.Option(help="Frames cut anew after a lost connection.")] = True,
    clock_reset: Annotated[bool, typer.Option(help="Clocks that start again in 2019 or 1989.")] = True,
    late_upload: Annotated[bool, typer.Option(help="Workouts that come days later.")] = True,
    duplicate_device: Annotated[bool, typer.Option(help="Workouts recorded by two devices.")] = True,
    poison: Annotated[bool, typer.Option(help="Records that no agent can use.")] = True,
    car: Annotated[bool, typer.Option(help="Workouts that end with a drive home, the watch still on.")] = True,
    copy: Annotated[bool, typer.Option(help="Recordings of others, uploaded as one's own.")] = True,
    upstream_delete: Annotated[bool, typer.Option(help="Readings that a provider deletes later.")] = True,
    upstream_edit: Annotated[bool, typer.Option(help="Readings that a provider corrects later.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Send a town of athletes: 90 days of their training, or what they do from now on."""
    if not live and (speed != "real" or minutes):
        raise UserError("--speed and --minutes go with --live: history is sent as fast as possible")
    faults = Faults(
        resend, overlap, clock_reset, late_upload, duplicate_device, poison, car, copy, upstream_delete, upstream_edit
    )
    now = datetime.now(UTC)
    config = town_config(
        athletes=athletes, days=days, seed=seed, end=end, live=live, sampling_s=sampling_s, faults=faults, now=now
    )
    pace: Pace = AsFastAsPossible()
    if live:
        scaled = pace_of(speed, time.monotonic)
        if not isinstance(scaled, Scaled):
            raise UserError("--speed max means nothing with --live: give real or a factor like 60")
        pace = UpToNow(scaled, lambda: round(time.time() * 1e6))
    tally = Tally()
    asyncio.run(_run(config, pace, tally, stop_after_s=minutes * 60 if live else 0, quiet=as_json))
    if as_json:
        typer.echo(json.dumps(_as_json(config, tally)))
    else:
        _print(config, tally)


def town_config(
    *,
    athletes: int,
    days: int,
    seed: int,
    end: str,
    live: bool,
    sampling_s: int,
    faults: Faults,
    now: datetime,
) -> TownConfig:
    """The town from ``days`` before the end to the end: the end of day ``end``, or ``now`` if that is earlier.

    Live, the same town goes on from there without an end. Raises ``UserError`` for an end that is no day, or
    for days in the future or before 2000-02-01.
    """
    try:
        last_day = date.fromisoformat(end) if end else now.date()
    except ValueError:
        raise UserError(f"--end {end!r} is no date: give one like {now.date()}") from None
    if last_day > now.date() or (last_day - _FIRST_DAY).days < days:
        raise UserError(f"--days {days} up to --end {last_day}: the town needs days from {_FIRST_DAY} to {now.date()}")
    last_us = min(_us(datetime(last_day.year, last_day.month, last_day.day, tzinfo=UTC) + _DAY), _us(now))
    first_day = last_day - days * _DAY
    return TownConfig(
        seed=seed,
        athletes=athletes,
        first_day=first_day,
        until_us=None if live else last_us,
        from_us=last_us if live else 0,
        sampling_s=sampling_s or (LIVE_SAMPLING_S if live else 5),
        samples_per_frame=LIVE_SAMPLES_PER_FRAME if live else HISTORY_SAMPLES_PER_FRAME,
        faults=faults,
    )


async def _run(config: TownConfig, pace: Pace, tally: Tally, *, stop_after_s: float, quiet: bool) -> None:
    producer = await Producer(settings()).open(MESSAGE_TYPES)
    began = time.monotonic()
    console = Console(stderr=True, quiet=quiet)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    async with producer:
        with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
            first_us = max(config.start_us, config.from_us)
            whole = config.until_us - first_us if config.until_us is not None else None
            task = progress.add_task(f"town {config.seed}", total=whole, said="")

            def on_message(message: Dispatch) -> None:
                tally.count(message)
                if tally.messages.total() % 1_000 == 1 or whole is None:
                    said = f"{tally.messages['WorkoutCompleted']:,} workouts, {tally.messages['SensorFrame']:,} frames"
                    progress.update(task, completed=max(0, message.at_us - first_us), said=said)

            sending = asyncio.create_task(send_town(Town(config), producer, pace, on_message, first_us))
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, sending.cancel)
            await asyncio.wait({sending}, timeout=stop_after_s or None)
            sending.cancel()
            await asyncio.wait({sending})
            if not sending.cancelled():
                sending.result()
    tally.seconds = time.monotonic() - began


async def send_town(
    town: Town, producer: Outlet, pace: Pace, on_message: Callable[[Dispatch], None], first_us: int
) -> None:
    """Send a town's messages when they are due; ``first_us`` is the time at which the pace begins."""
    people = True
    pace.restart(first_us)
    for number, message in enumerate(town.messages()):
        if people and message.type not in _PEOPLE:
            people = False
            await producer.flush()  # whoever reads what people do finds them registered
        await pace.until(message.at_us)
        await producer.send_encoded(message.type, message.key, message.value)
        on_message(message)
        if number % 100 == 0:
            await asyncio.sleep(0)  # the client's tasks get their turn while workouts are computed
    await producer.flush()


def _us(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def _as_json(config: TownConfig, tally: Tally) -> dict[str, Any]:
    return {
        "seed": config.seed,
        "athletes": config.athletes,
        "first_day": config.first_day.isoformat(),
        "until": config.until_us,
        "messages": dict(sorted(tally.messages.items())),
        "faults": dict(sorted(tally.faults.items())),
        "dead": dict(sorted(tally.dead.items())),
        "bytes": tally.value_bytes,
        "seconds": round(tally.seconds, 1),
    }


def _print(config: TownConfig, tally: Tally) -> None:
    table = Table(title=f"Town {config.seed}: {config.athletes:,} athletes since {config.first_day}")
    table.add_column("sent")
    table.add_column("messages", justify="right")
    table.add_column("what went wrong on the way")
    table.add_column("count", justify="right")
    sent = [(kind, f"{n:,}") for kind, n in tally.messages.most_common()]
    wrong = [(name.replace("_", " "), f"{n:,}") for name, n in tally.faults.most_common()]
    wrong += [(f"dead letters: {reason}", f"{n:,}") for reason, n in sorted(tally.dead.items())]
    for row in range(max(len(sent), len(wrong))):
        left = sent[row] if row < len(sent) else ("", "")
        right = wrong[row] if row < len(wrong) else ("", "")
        table.add_row(*left, *right)
    console = Console()
    console.print(table)
    rate = tally.messages["WorkoutCompleted"] / tally.seconds if tally.seconds else 0.0
    console.print(
        f"seed {config.seed}: {tally.messages.total():,} messages, {tally.value_bytes / 1e6:,.1f} MB "
        f"in {tally.seconds:.1f} s ({rate:,.0f} workouts/s)"
    )
