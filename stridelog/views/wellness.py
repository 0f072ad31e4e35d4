"""Rest by day as a table: resting heart rate and variability beside what is usual."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

_FIGURES: Final = ("worn", "resting\nbpm", "at", "usual\nbpm", "ln\nrMSSD", "week", "CV\n%", "rMSSD\nms")
_ABOUT: Final = "usual: median of the 7 days before; week: mean of 7 days; docs/metrics.md says what it can tell"


def wellness(name: str, rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """The days as ``stridelog.wellness_log`` gives them."""
    table = Table(title=f"Rest of {escape(name)}", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("day", no_wrap=True)
    for heading in _FIGURES:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("why not")
    for row in rows:
        table.add_row(
            row["local_day"],
            _clock(row["worn_minutes"]),
            _figure(row["resting_heart_rate_bpm"], "{:.0f}"),
            "" if row["resting_from_minute"] is None else _clock(row["resting_from_minute"]),
            _figure(row["baseline_bpm"], "{:.0f}"),
            _figure(row["ln_rmssd"], "{:.2f}"),
            _figure(row["ln_rmssd_7d"], "{:.2f}"),
            _figure(row["ln_rmssd_cv_7d"], "{:.0f}"),
            _figure(row["rmssd_ms"], "{:.0f}"),
            row["hrv_fault"].replace("_", " "),
        )
    if not rows:
        table.caption = "no device was worn all day"
        return table
    return Group(table, Text(_ABOUT, "dim"))


def _clock(minutes: float) -> str:
    return f"{int(minutes) // 60}:{int(minutes) % 60:02d}"


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
