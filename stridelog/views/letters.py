"""Dead letters as rich renderables and as JSON."""

import base64
from collections.abc import Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from stridelog.dead_letter_log import Letter
from stridelog.views import units

_HEX_ROW: Final = 16  # bytes


def table(letters: Sequence[Letter]) -> Table:
    """A list of letters: where they are, why, and who could not take them."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    shown.add_column("dead letter", no_wrap=True)
    shown.add_column("since, UTC", no_wrap=True)
    shown.add_column("reason, what exactly", overflow="fold")
    for letter in letters:
        handled = f" [green]{letter.handled}[/]" if letter.handled else ""
        why = f"[red]{escape(letter.reason)}[/] [dim]{escape(letter.agent)}[/]{handled}\n{escape(letter.detail)}"
        since = units.moment(letter.timestamp_ms * 1000).removesuffix(" UTC")
        shown.add_row(letter.place, since, why)
    return shown


def letter(one: Letter) -> RenderableType:
    """Everything about one letter; its bytes as text if they are UTF-8, else in hexadecimal."""
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for label, text in (
        ("dead letter", one.place),
        ("reason", one.reason),
        ("detail", one.detail),
        ("stage", one.stage),
        ("agent", f"{one.agent} {one.version}"),
        ("came from", f"{one.source_topic}:{one.source_partition}:{one.source_offset}"),
        ("logged", _time(one.source_timestamp_ms)),
        ("dead since", _time(one.timestamp_ms)),
        *([("handled", one.handled)] if one.handled else []),
        ("key", _line(one.key)),
        *((f"header {name}", _line(value)) for name, value in one.headers),
    ):
        facts.add_row(label, Text(text))
    size = "no value" if one.value is None else f"value, {len(one.value):,} bytes"
    return Group(facts, Text(size, style="dim"), Text(bytes_as_text(one.value or b"")))


def bytes_as_text(value: bytes) -> str:
    """Printable UTF-8 as it is, anything else as a hexadecimal dump."""
    text = _printable(value)
    return text if text is not None else hex_dump(value)


def hex_dump(value: bytes) -> str:
    """Offset, bytes in hexadecimal, and as ASCII where that shows."""
    lines = []
    for begin in range(0, len(value), _HEX_ROW):
        row = value[begin : begin + _HEX_ROW]
        ascii_text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{begin:08x}  {row.hex(' '):<{3 * _HEX_ROW - 1}}  {ascii_text}")
    return "\n".join(lines)


def as_json(one: Letter) -> dict[str, Any]:
    """A letter as JSON; bytes are text where they are UTF-8, and base64 always."""
    fields: dict[str, Any] = {name: getattr(one, name) for name in one.__slots__}
    return {
        "place": one.place,
        **fields,
        "key": _encoded(one.key),
        "value": _encoded(one.value),
        "headers": [[name, _encoded(value)] for name, value in one.headers],
    }


def _encoded(value: bytes | None) -> dict[str, str | None] | None:
    if value is None:
        return None
    return {"text": _printable(value), "base64": base64.b64encode(value).decode()}


def _printable(value: bytes) -> str | None:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return text if all(char.isprintable() or char in "\n\t" for char in text) else None


def _line(value: bytes | None) -> str:
    if value is None:
        return "(none)"
    text = _printable(value)
    return text if text is not None else value.hex(" ")


def _time(timestamp_ms: int) -> str:
    return units.moment(timestamp_ms * 1000) if timestamp_ms > 0 else "-"
