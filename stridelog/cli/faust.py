"""``stridelog faust``: Faust's own commands for the app of a role."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import click

from stridelog.app import build_app
from stridelog.settings import settings


@click.command(
    "faust",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": ["-h"]},
)
@click.option("--role", required=True, help="Whose app: sensors, workouts, social, models or lake.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="ARGS...")
def faust_command(role: str, arguments: Sequence[str]) -> None:
    """Run one of Faust's own commands (agents, tables, model, send, reset, livecheck, …) for a role's app.

    `stridelog faust --role sensors --help` lists them. Workers are started with `stridelog worker`.
    """
    from faust.cli.faust import cli

    app: Any = build_app(role, settings())
    app.finalize()
    app.worker_init()
    for agent in app.agents.values():
        # Faust's commands ask each channel for one name, and our agents read several topics.
        agent.channel.get_topic_name = partial(", ".join, agent.channel.topics)
    cli.main(args=list(arguments) or ["--help"], prog_name=f"stridelog faust --role {role}", app=app)
