"""Flagged workouts as a table, and what is said of one of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from stridelog.integrity_desk import FlaggedWorkout
from stridelog.views import units


def flagged(workouts: Sequence[FlaggedWorkout]) -> Table:
    """Flagged workouts, each with its reasons and what the athlete says."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("workout", no_wrap=True)
    table.add_column("athlete", overflow="fold")
    table.add_column("when, UTC", no_wrap=True)
    table.add_column("flags, why", overflow="fold")
    for one in workouts:
        lines = [f"[red]{rule}[/] {escape(why)}" for rule, why in zip(one.rules, one.reasons, strict=True)]
        if one.appeal:
            lines.append(f"[yellow]appeal[/] {escape(one.appeal)}")
        if not one.unreviewed:
            lines.append("[green]reinstated[/]" if one.ranked else "[green]reviewed[/]")
        athlete = f"{escape(one.name)}\n[dim]{escape(one.user)}[/]"
        table.add_row(one.workout_id, athlete, units.moment(one.start).removesuffix(" UTC"), "\n".join(lines))
    return table


def said_of(document: Mapping[str, Any]) -> list[Text]:
    """What rules and people say of a workout: a line each, none for a sound one."""
    lines = [
        Text(f"{flag['decision']} ({flag['rule']}): {flag['reason']}", style=_style(flag))
        for flag in document.get("flags") or ()
    ]
    if document.get("shadowed"):
        lines.append(Text("boards, rankings and achievements leave it out", style="red"))
    if document.get("appeal"):
        lines.append(Text(f"appeal: {document['appeal']}"))
    if review := document.get("review"):
        lines.append(Text(f"{review['verdict']} by {review['reviewer']}: {review['why']}"))
    return lines


def _style(flag: Mapping[str, Any]) -> str:
    return "red" if flag["decision"] == "flagged" and flag["verdict"] != "reinstated" else "dim"
