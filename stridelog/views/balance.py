"""The balance of W' through a workout as a curve."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

_WIDTH: Final = 72  # characters
_LEVELS: Final = "▁▂▃▄▅▆▇█"


def balance(one: Mapping[str, Any]) -> RenderableType:
    """What ``stridelog.balance_log`` gives; a character of the curve is the least of its part of the time."""
    whole, left = one["w_prime_j"], one["balance_j"]
    width = min(_WIDTH, len(left))
    parts = [left[len(left) * i // width : len(left) * (i + 1) // width] for i in range(width)]
    curve = "".join(_LEVELS[round(max(0.0, min(1.0, min(part) / whole)) * (len(_LEVELS) - 1))] for part in parts)
    lines = [
        Text.assemble(
            (f"{model}: ", "dim"),
            f"{low['balance_j'] / 1000:.1f} kJ, {low['balance_j'] / whole:.0%}",
            (f" at {low['at_s'] // 60}:{low['at_s'] % 60:02d}", "dim"),
        )
        for model, low in one["lowest"].items()
    ]
    head = f"[bold]W′ left, {escape(one['name'])}[/bold]: critical power {one['critical_power_w']:.0f} W, W′ "
    return Group(
        Text.from_markup(f"{head}{whole / 1000:.1f} kJ"),
        Text(curve, "cyan"),
        Text("lowest, by", "dim"),
        *lines,
        Text("Below 0: critical power or W′ is taken too low. docs/metrics.md says what is known against it", "dim"),
    )
