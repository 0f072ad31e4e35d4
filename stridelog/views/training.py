"""Training days as a table with bars, and fitness and fatigue as curves."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

_BAR: Final = 24  # characters of the longest bar
_LEVELS: Final = "▁▂▃▄▅▆▇█"
_CURVES: Final = (("fitness", "fitness_ctl"), ("fatigue", "fatigue_atl"), ("form", "form_tsb"))
_ABOUT_ACWR: Final = "ACWR is uncoupled, 7 days by the 21 before; docs/metrics.md says how little it foretells"


def days(name: str, rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """The days as ``stridelog.training_log`` gives them."""
    table = Table(title=f"Training of {escape(name)}", title_justify="left")
    table.add_column("day", no_wrap=True)
    table.add_column("load", no_wrap=True, min_width=_BAR + 6)
    for heading in ("7 days", "week of 28", "ACWR", "monotony", "fitness", "fatigue", "form", "run spike"):
        table.add_column(heading, justify="right")
    highest = max([*(row["load"] for row in rows), 1.0])
    for row in rows:
        table.add_row(
            row["local_day"],
            Text.assemble(f"{row['load']:5.0f} ", ("█" * round(_BAR * row["load"] / highest), "cyan")),
            f"{row['acute_load_7d']:.0f}",
            f"{row['chronic_load_28d']:.0f}",
            _figure(row["acwr_uncoupled"]),
            _figure(row["monotony_7d"]),
            *(f"{row[figure]:.1f}" for figure in ("fitness_ctl", "fatigue_atl", "form_tsb")),
            _figure(row["run_spike"]),
        )
    if not rows:
        table.caption = "no workout that counts yet"
        return table
    curves = [_curve(label, [row[name] for row in rows]) for label, name in _CURVES]
    return Group(table, *curves, Text(_ABOUT_ACWR, "dim"))


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _curve(label: str, values: Sequence[float]) -> Text:
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    line = "".join(_LEVELS[round((value - low) / span * (len(_LEVELS) - 1))] for value in values)
    return Text.assemble((f"{label:8}", "dim"), f"{line} ", (f"{low:.1f} to {high:.1f}", "dim"))
