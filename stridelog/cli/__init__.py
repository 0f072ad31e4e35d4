"""The command line: ``stridelog COMMAND``. Each command's module is imported when it is called."""

import importlib
import logging
import sys
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from stridelog.errors import UserError

COMMANDS: Final = {
    # command: (module, attribute, one line)
    "run": ("stridelog.cli.run", "run", "The whole platform on the local stack, with a live view."),
    "topics": ("stridelog.cli.topics", "topics_app", "Topics: table, difference to the broker, apply."),
    "worker": ("stridelog.cli.worker", "worker", "Run agents by role."),
    "agents": (
        "stridelog.cli.agents",
        "agents_app",
        "Agents: list, lag, pause, resume, seek.",
    ),
    "sink": ("stridelog.cli.sink", "sink_app", "Projections: where each stands, compare with the log, build anew."),
    "simulate": ("stridelog.cli.simulate", "simulate", "Send a simulated town of athletes."),
    "replay": (
        "stridelog.cli.replay",
        "replay_command",
        "Send recordings (FIT, GPX, TCX) as devices do.",
    ),
    "models": ("stridelog.cli.models", "models_app", "Train models, list them."),
    "board": ("stridelog.cli.read", "board", "A leaderboard, from ClickHouse."),
    "live": ("stridelog.cli.live", "live", "Who trains right now, from Redis."),
    "rank": ("stridelog.cli.read", "rank", "An athlete's rank and neighbours, from Redis."),
    "rank-changes": ("stridelog.cli.read", "rank_changes", "Who entered a board's first ranks, or passed whom."),
    "feed": ("stridelog.cli.read", "feed", "An athlete's feed, from MongoDB."),
    "workout": ("stridelog.cli.read", "workout", "A workout, from MongoDB."),
    "balance": ("stridelog.cli.read", "balance", "How much of W' was left through a workout, from ClickHouse."),
    "load": ("stridelog.cli.read", "load", "An athlete's training by day, from ClickHouse."),
    "thresholds": ("stridelog.cli.read", "thresholds", "An athlete's thresholds and their evidence, from ClickHouse."),
    "wellness": ("stridelog.cli.read", "wellness", "An athlete's resting heart rate and HRV by day, from ClickHouse."),
    "achievements": ("stridelog.cli.read", "achievements", "What an athlete has earned, from MongoDB."),
    "groups": ("stridelog.cli.clubs", "groups_app", "Groups: list, show, members."),
    "challenges": ("stridelog.cli.clubs", "challenges_app", "Challenges: list, show."),
    "goals": ("stridelog.cli.clubs", "goals", "An athlete's goals, from MongoDB."),
    "segments": ("stridelog.cli.segments", "segments_app", "Segments: add, list, show the board of one, remove."),
    "scores": ("stridelog.cli.read", "scores", "An athlete's injury risk and recommendations, from ClickHouse."),
    "integrity": ("stridelog.cli.integrity", "integrity_app", "Flagged workouts: list, appeal, review."),
    "readings": ("stridelog.cli.readings", "readings_app", "Readings: delete a span of them."),
    "verify": ("stridelog.cli.verify", "verify", "Recompute from the log what every store must hold, and compare."),
    "dlq": ("stridelog.cli.dlq", "dlq_app", "Dead letters: list, show, replay, drop."),
    "bench": ("stridelog.cli.bench", "bench_app", "Benchmarks."),
    "schemas": ("stridelog.cli.schemas", "schemas_app", "Messages: generate, check."),
    "faust": ("stridelog.cli.faust", "faust_app", "Faust's own commands for a role's app."),
}


class Lazy(TyperGroup):
    """Finds a command's module only when the command is called: MLflow and Faust take seconds to import."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All commands, in the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, text = COMMANDS[cmd_name]
        if ctx.params.get("help") or "--help" in sys.argv[1:2] or len(sys.argv) < 2:
            return TyperCommand(cmd_name, help=text)
        found: Any = getattr(importlib.import_module(module), attribute)
        if isinstance(found, typer.Typer):
            command = typer.main.get_command(found)
        else:
            single = typer.Typer(add_completion=False)
            single.command(name=cmd_name)(found)
            command = typer.main.get_command(single)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=Lazy,
    name="stridelog",
    help="A streaming data platform for fitness wearables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """A streaming data platform for fitness wearables."""


def main() -> None:
    """Entry point. A user's mistake is one line on stderr and exit code 2."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it logs what it raises as well; workers log more
    try:
        app()
    except UserError as error:
        print(f"stridelog: {error}", file=sys.stderr)
        sys.exit(2)
