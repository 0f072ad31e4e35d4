"""The command line: `python -m compose up|down|status|clean|install`."""

import logging
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from typing import Annotated, Final

import typer
from rich.console import Console

from compose import install as installer
from compose import show
from compose.services import make_services
from compose.services.kafka import Kafka
from compose.settings import ALL_SERVICES, ROOT, StackSettings, chosen_services
from compose.supervisor import Report, Row, Supervisor
from stridelog.errors import UserError

COMPOSE_FILE: Final = ROOT / "compose" / "docker-compose.yml"

app = typer.Typer(
    help="Stridelog's local stack: Kafka, ClickHouse, MongoDB, Redis, PostgreSQL and S3 on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
screen = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="print JSON instead of a table")]
Brokers = Annotated[int, typer.Option(help="number of Kafka brokers: 1 or 3")]
Services = Annotated[
    str | None, typer.Option(help=f"comma-separated, of {', '.join(ALL_SERVICES)}; default: all but s3")
]
Docker = Annotated[bool, typer.Option("--docker", help="the real servers by Docker Compose (also STACK=docker)")]


@app.command()
def up(json: Json = False, brokers: Brokers = 1, services: Services = None, docker: Docker = False) -> None:
    """Start what does not run, wait until each service answers, and show the table."""
    if _by_docker(docker):
        if brokers != 1:
            raise UserError(
                f"--brokers is {brokers}: Docker Compose has one Kafka broker; leave out Docker or --brokers"
            )
        _docker("up", "--detach", "--wait")
        return
    with show.progress(screen) as report:
        stack = _supervisor(brokers, services, report)
        stack.up()
    _print(stack.status(), json)


@app.command()
def down(services: Services = None, docker: Docker = False) -> None:
    """Stop what this stack has started (all, or the named services), and nothing else."""
    if _by_docker(docker):
        _docker("down")
        return
    with show.progress(screen) as report:
        done = _started(services, report).down()
    print("\n".join(done) or "nothing was running")


@app.command()
def status(json: Json = False, services: Services = None, docker: Docker = False) -> None:
    """Show the table of services; each is asked in its own protocol."""
    if _by_docker(docker):
        _docker("ps", *(["--format", "json"] if json else []))
        return
    rows = _started(services, _silent).status()
    _print([row for row in rows if services or _matters(row)], json)


@app.command()
def clean(docker: Docker = False) -> None:
    """Stop the stack and remove all that its services have stored."""
    if _by_docker(docker):
        _docker("down", "--volumes")
        return
    with show.progress(screen) as report:
        done = _started(None, report).clean()
    print("\n".join(done) or "there was nothing to clean")


@app.command()
def install(brokers: Brokers = 1, services: Services = None, docker: Docker = False) -> None:
    """Get what the stack lacks: Debian packages (as root), jars, and the S3 server where asked for."""
    if _by_docker(docker):
        _docker("pull")
        return
    settings = StackSettings.from_environment(brokers=brokers)
    settings.log("install").parent.mkdir(parents=True, exist_ok=True)
    chosen = make_services(chosen_services(services), settings)
    with show.progress(screen) as report:
        for step in installer.plan(settings, chosen):
            report(step.title, "getting")
            step.run()
            report(step.title, "done")
    if left := [need.what for service in chosen for need in service.missing()]:
        raise UserError(f"still missing after the installation: {', '.join(left)}")
    screen.print("all that the stack needs is installed")


def _supervisor(brokers: int, services: str | None, report: Report) -> Supervisor:
    settings = StackSettings.from_environment(brokers=brokers)
    return Supervisor(settings, make_services(chosen_services(services), settings), report)


def _started(services: str | None, report: Report) -> Supervisor:
    """The named services, or all, with as many brokers as Kafka's data were made for."""
    settings = StackSettings.from_environment()
    settings = replace(settings, brokers=Kafka(settings).stored_brokers() or 1)
    names = chosen_services(services) if services else ALL_SERVICES
    return Supervisor(settings, make_services(names, settings), report)


def _matters(row: Row) -> bool:
    # The S3 server is only of interest where somebody has started it.
    return row.service != "s3" or row.state != "down"


def _silent(name: str, what: str) -> None:
    """Report nothing."""


def _print(rows: list[Row], json: bool) -> None:
    if json:
        print(show.rows_as_json(rows))
    else:
        show.show_rows(Console(), rows)


def _by_docker(option: bool) -> bool:
    return option or os.environ.get("STACK") == "docker"


def _docker(*arguments: str) -> None:
    docker = shutil.which("docker")
    if docker is None:
        raise UserError("docker is missing: install Docker with Compose, or leave out STACK=docker and --docker")
    for lacking, probe in (("its Compose plugin", ["compose", "version"]), ("a running engine", ["version"])):
        if subprocess.run([docker, *probe], capture_output=True, check=False).returncode != 0:  # noqa: S603
            raise UserError(f"docker is there but {lacking} is not: see `docker {' '.join(probe)}`")
    done = subprocess.run([docker, "compose", "--file", str(COMPOSE_FILE), *arguments], check=False)  # noqa: S603
    if done.returncode != 0:
        raise UserError(f"`docker compose {' '.join(arguments)}` failed with exit code {done.returncode}")


def main() -> None:
    """Run the command line; a `UserError` is one line on stderr and exit code 2."""
    # The probes knock until the broker opens; each knock need not be told.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        app()
    except UserError as error:
        print(f"compose: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
