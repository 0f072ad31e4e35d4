"""``python -m tests.chaos run|record|report|down``: seeds one after the other on one stack, and what they show."""

import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stridelog.errors import UserError
from tests.chaos import report as reporting
from tests.chaos.run import Result, run_plan
from tests.chaos.schedule import plan
from tests.chaos.stack import FOLDER, ChaosStack

RESULTS = FOLDER / "results.jsonl"
RECORD = Path(__file__).with_name("record.jsonl")  # in the repository, for docs/reliability.md
app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
screen = Console(stderr=True, soft_wrap=True, highlight=False)


@app.command()
def run(
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 1,
    first: Annotated[int, typer.Option(min=0, help="The first of them.")] = 1,
    short: Annotated[bool, typer.Option("--short", help="Fewer faults and athletes, as in CI.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the data of a failed seed in the stores.")] = False,
    stay: Annotated[bool, typer.Option("--stay", help="Leave the stack up at the end.")] = False,
) -> None:
    """Run seeds; exits with 1 if one fails. `--first K --seeds 1` runs a failed one again."""
    for client in ("aiokafka", "clickhouse_connect", "asyncio"):
        logging.getLogger(client).setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, _stop)
    stack = ChaosStack(lambda name, what: screen.print(f"  {name}: {what}", style="dim"))
    failed = []
    stack.up()
    try:
        for kind, reason in stack.lacks().items():
            screen.print(f"left out: {kind}: {reason}", style="yellow")
        for number, seed in enumerate(range(first, first + seeds), start=1):
            result = _one(stack, seed, f"{number}/{seeds}", short=short, keep=keep)
            if not result.ok:
                failed.append(seed)
    finally:
        if not stay:
            stack.down()
    if failed:
        screen.print(f"failed: {', '.join(map(str, failed))}; logs in {FOLDER / 'failed'}", style="bold red")
        sys.exit(1)
    screen.print(f"{seeds} seeds, nothing lost or doubled", style="green")


def _stop(number: int, _: object) -> None:
    """Whoever stops us wants the workers stopped too."""
    screen.print(f"stopped by signal {number}", style="yellow")
    raise KeyboardInterrupt


def _one(stack: ChaosStack, seed: int, place: str, *, short: bool, keep: bool) -> Result:
    steps = plan(seed, short=short)
    screen.print(f"seed {seed}: {', '.join(map(str, steps.faults))}", style="dim")
    with screen.status("") as status:
        result = asyncio.run(
            run_plan(
                stack,
                steps,
                short=short,
                keep=keep,
                say=lambda what: status.update(f"seed {seed} ({place}): {what}"),
            )
        )
    with RESULTS.open("a") as out:
        out.write(result.line() + "\n")
    verdict = "[green]ok[/]" if result.ok else "[bold red]failed[/]"
    recoveries = [fault["recovery_s"] for fault in result.faults if fault.get("recovery_s") is not None]
    screen.print(
        f"seed {seed} ({place}) {verdict}: {len(result.faults)} faults, {result.load.get('messages', 0):,} messages, "
        f"slowest recovery {max(recoveries, default=0.0):.1f} s, {len(result.exits)} exits, {result.duration_s:.0f} s"
    )
    for exit_ in result.exits:
        screen.print(f"  {exit_['worker']} ended with {exit_['code']}: {exit_['said']}", style="yellow", markup=False)
    for why in result.why:
        screen.print(f"  {why}", style="red", markup=False)
    return result


@app.command()
def record() -> None:
    """Add the runs of this checkout to the record that is kept in the repository."""
    print(f"{reporting.add(RECORD, reporting.read(RESULTS))} runs added to {RECORD.name}")


@app.command()
def report(since: Annotated[str, typer.Option(help="Only runs from this time on (ISO 8601, UTC).")] = "") -> None:
    """Print the tables of docs/reliability.md from the record."""
    results = [result for result in reporting.read(RECORD) if result["at"] >= since]
    for name, some in (("full", [r for r in results if not r["short"]]), ("short", [r for r in results if r["short"]])):
        if some:
            print(f"{name}: {reporting.table(some)}\n")


@app.command()
def down() -> None:
    """Stop the stack that `run --stay` has left, and remove its data."""
    stack = ChaosStack()
    stack.take()
    stack.down()


if __name__ == "__main__":
    try:
        app()
    except UserError as error:
        print(f"chaos: {error}", file=sys.stderr)
        sys.exit(2)
