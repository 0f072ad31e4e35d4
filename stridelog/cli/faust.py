"""``stridelog faust``: Faust's own commands for the app of a role."""

from functools import partial
from typing import Annotated, Any

import typer

from stridelog.app import build_app
from stridelog.settings import settings

faust_app = typer.Typer(add_completion=False)


@faust_app.command(
    "faust",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": ["-h"]},
)
def faust(
    role: Annotated[str, typer.Option(help="Whose app: sensors, workouts, social, models or lake.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="ARGS...", help="Faust's command.")] = None,
) -> None:
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
    cli.main(args=arguments or ["--help"], prog_name=f"stridelog faust --role {role}", app=app)
