"""Avro schemas of the messages, for tools that speak it; on the wire events are JSON and frames MessagePack."""

from typing import Any, Final

from schemas.shapes import Choice, Fixed, Many, Member, Nullable, Record, Scalar, Shape

NAMESPACE: Final = "stridelog"
_KINDS: Final[dict[str, Any]] = {
    "int": "long",
    "float": "double",
    "str": "string",
    "bool": "boolean",
    "bytes": "bytes",
    "date": {"type": "int", "logicalType": "date"},
}


def avro_schema(message: Record) -> dict[str, Any]:
    """The Avro record of a message. A record within it is spelled out once and named from then on."""
    schema = _record(message, set())
    return {"type": "record", "namespace": NAMESPACE, **{key: schema[key] for key in ("name", "doc", "fields")}}


def _record(record: Record, known: set[str]) -> Any:
    if record.name in known:
        return record.name
    known.add(record.name)
    fields = [_field(member, record.name, known) for member in record.members]
    return {"type": "record", "name": record.name, "doc": record.doc, "fields": fields}


def _field(member: Member, owner: str, known: set[str]) -> dict[str, Any]:
    kind = _type(member.shape, f"{owner}_{member.name}", known)
    field: dict[str, Any] = {"name": member.name, "type": ["null", kind] if member.nullable else kind}
    if not member.required:
        field["default"] = None if member.nullable else _default(member)
    field |= {"doc": member.doc} if member.doc else {}
    return field | ({"unit": member.unit} if member.unit else {})


def _type(shape: Shape, name: str, known: set[str]) -> Any:
    match shape:
        case Record():
            return _record(shape, known)
        case Choice(values=values):
            if len(values) == 1 or not all(isinstance(value, str) for value in values):
                return "string" if isinstance(values[0], str) else "int"
            return {"type": "enum", "name": name, "symbols": list(values)}
        case Nullable():
            return ["null", _type(shape.shape, name, known)]
        case Many():
            return {"type": "array", "items": _type(shape.item, name, known)}
        case Fixed():
            return {"type": "array", "items": _type(shape.items[0], name, known)}
        case Scalar():
            return _KINDS[shape.kind]


def _default(member: Member) -> Any:
    if isinstance(member.shape, Record):
        return {inner.name: None if inner.nullable else _default(inner) for inner in member.shape.members}
    return [] if isinstance(member.shape, Many) else member.default
