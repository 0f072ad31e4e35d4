"""What an athlete has earned, as a table, and the units of awards."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from domain.achievement_rules import Challenge, First, Milestone, PersonalBest, Rule, Streak
from domain.board_rules import METRIC_UNITS
from stridelog.views import units

_ID: Final = 36  # characters of a UUID
_UNITS: Final = {"distance": "m", "moving_time": "s", "elevation": "m"}  # by metric; others are counts of what they say


def unit_of(rule: Rule) -> str:
    """What an award's value counts: ``s``, ``W``, ``m``, ``load``, ``workouts``, ``days``…"""
    match rule:
        case PersonalBest(fastest=str()):
            return "s"
        case PersonalBest(strongest=str()):
            return "W"
        case PersonalBest(most=metric) | Milestone(metric=metric) | Challenge(metric=metric):
            return _UNITS.get(metric or "", metric or "")
        case First(metric=metric):
            return _UNITS.get(metric or "", metric or "workouts")
        case Streak():
            return f"{rule.unit}s"


def value_of(rule: Rule, value: float) -> str:
    """An award's value as people read it: ``23:18``, ``312 W``, ``42.50 km``, ``50 workouts``."""
    match rule:
        case PersonalBest(fastest=str()):
            return units.duration(value)
        case PersonalBest(strongest=str()):
            return f"{value:,.0f} W"
        case Streak():
            return f"{value:,.0f} {rule.unit}s"
    metric = (rule.most if isinstance(rule, PersonalBest) else rule.metric) or "workouts"
    if metric in ("workouts", "challenges", "goals"):
        return f"{value:,.0f} {metric if value != 1 else metric.removesuffix('s')}"
    return units.score(METRIC_UNITS[metric], value) + " load" * (metric == "load")


def earned(name: str, awards: Sequence[tuple[Rule, Mapping[str, Any]]]) -> Table:
    """Awards, each with its rule."""
    table = Table(title=f"Achievements of {escape(name)}", title_justify="left")
    for heading in ("achievement", "level", "when"):
        table.add_column(heading, overflow="fold")
    table.add_column("value", justify="right")
    table.add_column("evidence", min_width=_ID, overflow="fold")
    for rule, award in awards:
        evidence = award["evidence"]
        occasion = award["occasion"] if award["occasion"] != evidence[0] else ""
        table.add_row(
            escape(rule.title),
            escape(award["level"] or occasion),
            units.moment(award["at"], award["zone"]),
            value_of(rule, award["value"]),
            "\n".join((evidence[0], *(f"better than {beaten}" for beaten in evidence[1:]))),
        )
    if not awards:
        table.caption = "nothing yet"
    return table
