"""``stridelog models``: train models from the lake, and see what is in the registry."""

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from stridelog.errors import UserError
from stridelog.settings import settings

models_app = typer.Typer(
    name="models", help="Train models from the lake, and see what is in the registry.", no_args_is_help=True
)


@models_app.command("train")
def train(
    kind: Annotated[Literal["injury", "recommend", "all"], typer.Argument(help="which model")] = "all",
    lake: Annotated[str, typer.Option(help="folder or s3:// URL of the Delta tables; default: the setting")] = "",
    seed: Annotated[int, typer.Option(help="the same data and seed give the same model")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Read features and injuries from Delta, train, register in MLflow, and set the alias champion or challenger.

    With "all", a model with too few data is reported and the other one is trained all the same.
    """
    from models.lake import read_features, read_injuries, rows_of
    from models.registry import KINDS, Kind, Registry
    from models.training import Outcome
    from models.training import train as train_one

    chosen = settings().model_copy(update={"lake_url": lake}) if lake else settings()
    registry = Registry(chosen)
    done: list[Outcome] = []
    refused: dict[str, str] = {}
    with Console(stderr=True).status("reading the lake") as status:
        rows = rows_of(read_features(chosen), until_us=time.time_ns() // 1000)
        injuries = read_injuries(chosen)
        kinds: tuple[Kind, ...] = KINDS if kind == "all" else (kind,)
        for each in kinds:
            try:
                done.append(train_one(each, rows, injuries, registry, seed=seed, say=status.update))
            except UserError as error:
                refused[each] = str(error)
    if not done:
        raise UserError("; ".join(f"{each}: {reason}" for each, reason in refused.items()))
    if as_json:
        typer.echo(json.dumps({"seed": seed, "models": [_plain(asdict(each)) for each in done], "refused": refused}))
        return
    console = Console()
    for outcome in done:
        console.print(_quality(outcome))
    for name, reason in refused.items():
        console.print(f"{name}: {reason}", style="yellow", highlight=False)


@models_app.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """Every version in the registry, with its aliases and what it was measured at."""
    from models.registry import Registry

    registry = Registry(settings())
    versions = registry.versions()
    if as_json:
        typer.echo(json.dumps([_plain({**asdict(each), "version": each.name}) for each in versions]))
        return
    table = Table(title=f"Models in {registry.place}", caption=None if versions else "none yet: stridelog models train")
    for heading in ("version", "aliases", "registered", "quality on held-out athletes", "learned from"):
        table.add_column(heading)
    for each in versions:
        at = datetime.fromtimestamp(each.created_ms / 1000, UTC)
        table.add_row(
            each.name,
            ", ".join(sorted(each.aliases)),
            f"{at:%Y-%m-%d %H:%M:%S} UTC",
            "  ".join(
                f"{name} {each.metrics[name]:.3f}" for name in _SHOWN[each.kind] if each.metrics.get(name) is not None
            ),
            f"{each.facts.get('train_rows', '?')} rows of {each.facts.get('train_athletes', '?')} athletes",
        )
    Console().print(table)


_SHOWN = {
    "injury": ("auc", "pr_auc", "brier_skill", "log_loss", "calibration_slope", "prevalence"),
    "recommend": (
        "hit_at_3",
        "popularity_hit_at_3",
        "family_popularity_hit_at_3",
        "mrr",
        "popularity_mrr",
        "family_popularity_mrr",
    ),
}


def _quality(outcome: Any) -> Table:
    """The figures of a training with their intervals; the caption says against whom it won or lost."""
    rival = ""
    if outcome.rival is not None:
        value = "cannot score these features" if outcome.rival_value is None else f"{outcome.rival_value:.4f}"
        rival = f"; {outcome.rival}, the champion before: {value}"
    own = outcome.quality[outcome.decided_by].value
    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in outcome.counts.items())
    doubt = ""
    if outcome.kind == "injury" and not outcome.quality["auc"].low > 0.5:
        doubt = "Not shown to be better than guessing: the interval of auc reaches 0.5. "
    table = Table(
        title=f"{outcome.version}: {outcome.alias}",
        caption=f"{doubt}Decided by {outcome.decided_by} {own:.4f}{rival}. {counts}",
    )
    table.add_column("on held-out athletes, later days")
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    for name in _SHOWN[outcome.kind]:
        each = outcome.quality[name]
        table.add_row(name.replace("_", " "), f"{each.value:.3f}", f"{each.low:.3f} to {each.high:.3f}")
    return table


def _plain(value: Any) -> Any:
    """JSON has no NaN: a figure that does not exist is null."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and value != value else value
