"""Thresholds as a table: stated beside estimated, and what the estimates rest on."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from stridelog.views import units

_NAMES: Final = {
    "ftp_w": "functional threshold power",
    "threshold_speed_m_s": "threshold pace",
    "lthr_bpm": "heart rate at threshold",
    "critical_power_w": "critical power",
    "w_prime_j": "W'",
}
_CHANGES: Final = 12
_ABOUT: Final = "zones and load are made with what is stated; an estimate changes neither (docs/physiology.md)"


def thresholds(name: str, entries: Sequence[Mapping[str, Any]]) -> RenderableType:
    """The entries as ``stridelog.threshold_log`` gives them."""
    now = Table(title=f"Thresholds of {escape(name)}", title_justify="left")
    for heading in ("", "stated", "estimated", "since", "holds until", "from"):
        now.add_column(heading)
    for entry in entries:
        kind, stated, estimated = entry["kind"], entry["stated"], entry["estimated"]
        now.add_row(
            _NAMES[kind],
            figure(kind, stated["value"]) if stated else "",
            figure(kind, estimated["value"]) if estimated else "",
            estimated["local_day"] if estimated else "",
            units.moment(estimated["until"]).removesuffix(" UTC")[:10] if estimated and estimated["until"] else "",
            _evidence(estimated) if estimated else "",
        )
    if not entries:
        now.caption = "nothing is known yet: no hard effort of 2 min or more, and nothing stated"
        return now
    past = Table(title="The latest changes", title_justify="left")
    for heading in ("day", "", "to", "how", "evidence"):
        past.add_column(heading)
    changes = [(entry["kind"], change) for entry in entries for change in entry["history"]]
    changes.sort(key=lambda pair: pair[1]["changed_at"], reverse=True)
    for kind, change in changes[:_CHANGES]:
        to = "unknown" if change["value"] is None else figure(kind, change["value"])
        how = (change["method"] or "evidence aged out").replace("_", " ")
        past.add_row(change["local_day"], _NAMES[kind], to, how, _evidence(change))
    return Group(now, past, Text(_ABOUT, "dim"))


def figure(kind: str, value: float) -> str:
    """A threshold with its unit; speeds as pace."""
    match kind:
        case "threshold_speed_m_s":
            return units.pace("running", value)
        case "w_prime_j":
            return f"{value / 1000:.1f} kJ"
        case "lthr_bpm":
            return f"{value:.0f} bpm"
        case _:
            return f"{value:.0f} W"


def _evidence(change: Mapping[str, Any]) -> str:
    return ", ".join(f"{one['name']} ({one['id'][:8]})" for one in change["evidence"] if one["name"] != "stated")
