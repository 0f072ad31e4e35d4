"""docs/reference/messages.md: every message with its fields, units, ranges and an example."""

from collections.abc import Iterator, Mapping
from typing import Final

from schemas.channels import CHANNELS
from schemas.shapes import Choice, Fixed, Many, Nullable, Record, Scalar, Shape

HEADER: Final = """# Messages

Generated from the models in `schemas/` by `stridelog schemas generate`. To change them: [schemas.md](../schemas.md).

Every event has the same head and its own `data`. Unknown fields are ignored, an absent field and `null` are one.
"""
CHANNEL_NOTE: Final = """A column of little-endian integers a channel; the largest integer of the type means "missing".
*per sample*: one value a time point; *fast*: k values a time point, evenly spread; *list*: one entry a heart beat.
"""
_LAYOUTS: Final = {"sample": "per sample", "fast": "fast", "list": "list"}
_HEAD_DOCS: Final = {"type": "Name of the message type.", "version": "Version of its schema; absent is 1."}
_KINDS: Final = {
    "int": "integer",
    "float": "number",
    "str": "text",
    "bool": "true or false",
    "bytes": "bytes",
    "date": "date",
}


def messages_reference(messages: Mapping[str, Record], topics: Mapping[str, str], examples: Mapping[str, str]) -> str:
    """The text. ``topics`` is message type → topic, ``examples`` message type → JSON; frames have none."""
    some = next(message for message in messages.values() if any(member.name == "data" for member in message.members))
    head = Record("head", "", tuple(member for member in some.members if member.name != "data"), closed=False)
    parts = [HEADER, "## The head of every event\n", _table(_rows(head, "")), "\n"]
    for name, message in messages.items():
        data = [member for member in message.members if member.name == "data"]
        fields = _rows(data[0].shape, "data.") if data and isinstance(data[0].shape, Record) else _rows(message, "")
        parts += [f"## {name}\n", f"{message.doc} Topic `{topics[name]}`.\n", _table(fields), "\n"]
        if name in examples:
            parts += ["```json", examples[name].rstrip(), "```", ""]
    parts += ["## Channels of a sensor frame\n", CHANNEL_NOTE, _channel_table()]
    return "\n".join(parts).rstrip() + "\n"


def _channel_table() -> str:
    lines = ["| channel | column | type | 1 is | range | layout | |", "|---|---|---|---|---|---|---|"]
    for channel in CHANNELS:
        layout = _LAYOUTS[channel.layout] + (f" × {channel.components}" if channel.components > 1 else "")
        one = f"{channel.scale:g} {channel.unit}"
        span = f"{channel.low:g} … {channel.high:g} {channel.unit}"
        cells = (f"`{channel.name}`", f"`{channel.column}`", f"`{channel.dtype}`", one, span, layout, channel.doc)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _table(rows: Iterator[tuple[str, ...]]) -> str:
    lines = ["| field | type | unit | range | |", "|---|---|---|---|---|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def _rows(record: Record, prefix: str) -> Iterator[tuple[str, ...]]:
    for member in record.members:
        shape = member.shape
        required = "" if member.required else ", optional"
        doc = member.doc or _HEAD_DOCS[member.name]
        unit = member.unit or ""
        kind = "text" if member.name == "type" else _type(shape) + required
        yield f"`{prefix}{member.name}`", kind, unit, _range(shape), doc.replace("|", "\\|")
        inner = shape.item if isinstance(shape, Many) else shape
        if isinstance(inner, Record) and inner.name != "Channels":
            yield from _rows(inner, f"{prefix}{member.name}{'[]' if isinstance(shape, Many) else ''}.")


def _type(shape: Shape) -> str:
    match shape:
        case Record():
            return "object"
        case Choice(values=values):
            return " \\| ".join(f"`{value}`" for value in values)
        case Nullable():
            return f"{_type(shape.shape)} or null"
        case Many():
            return f"list of {_type(shape.item)}"
        case Fixed():
            return f"[{', '.join(_type(item) for item in shape.items)}]"
        case Scalar():
            return _KINDS[shape.kind]


def _range(shape: Shape) -> str:
    if isinstance(shape, Many):
        return _range(shape.item)
    if isinstance(shape, Nullable):
        return _range(shape.shape)
    if isinstance(shape, Fixed):
        return _range(shape.items[0])
    if not isinstance(shape, Scalar):
        return ""
    if shape.pattern:
        return f"`{shape.pattern.replace('|', chr(92) + '|')}`"
    if shape.max_length is not None:
        return f"{shape.min_length or 0} … {shape.max_length} characters"
    return "" if shape.ge is None else f"{shape.ge} … {shape.le}"
