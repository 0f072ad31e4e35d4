"""FULL_TRANSITIVE compatibility: what any published version of a message wrote, any other version can read.

A published version is a file in schemas/versions/ with the structure of the message: only ever added, never changed.
A change that breaks it is a new message type. One thing is allowed beyond it: a record that refuses unknown names (the
channels of a frame) may gain some, because an older reader refuses the newer version as a whole and keeps it as a dead
letter, which is replayed after its upgrade.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from schemas.shapes import Choice, Fixed, Many, Nullable, Record, Scalar, Shape

Structure = dict[str, Any]
_LOWER_BOUNDS: Final = ("ge", "min_length")
_UPPER_BOUNDS: Final = ("le", "max_length")


def structure_of(message: Record) -> Structure:
    """What the wire shows of a message, as JSON: names, kinds, ranges, units; no docs."""
    return _structure(message)


def text_of(structure: Structure) -> str:
    """The text of a file in schemas/versions/."""
    return json.dumps(structure, indent=1, ensure_ascii=False) + "\n"


def read_versions(folder: Path) -> dict[str, dict[int, Structure]]:
    """The published versions: message type → version → structure."""
    found: dict[str, dict[int, Structure]] = {}
    for path in sorted(folder.glob("*.v*.json")):
        name, _, version = path.name.removesuffix(".json").rpartition(".v")
        found.setdefault(name, {})[int(version)] = json.loads(path.read_text(encoding="utf-8"))
    return found


def problems(
    current: Mapping[str, tuple[int, Structure]], published: Mapping[str, Mapping[int, Structure]]
) -> list[str]:
    """Everything that makes the models incompatible with the published versions, in words; empty is good.

    ``current`` is message type → (version, structure) of the models.
    """
    found: list[str] = []
    for name, versions in published.items():
        if name not in current:
            found.append(f"{name}: was published, and the log holds such messages; bring the model back")
            continue
        newest, structure = current[name]
        for version, old in versions.items():
            if version == newest and old != structure:
                found.append(
                    f"{name}: version {version} is published, but changed; raise it. {_changes(old, structure)}"
                )
            elif version < newest:
                back, forth = unreadable(old, structure), unreadable(structure, _opened(old))
                found += [f"{name}: version {newest} cannot read version {version}: {why}" for why in back]
                found += [f"{name}: version {version} cannot read version {newest}: {why}" for why in forth]
            elif version > newest:
                found.append(f"{name}: version {version} is published, the model is at {newest}; raise its version")
    return found


def unreadable(written: Structure, read: Structure) -> list[str]:
    """Why a reader of one structure cannot read all that a writer of another one may write."""
    return list(_unreadable(written, read, ""))


def _opened(structure: Any) -> Any:
    """The structure with every record open to unknown names."""
    if isinstance(structure, list):
        return [_opened(item) for item in structure]
    if not isinstance(structure, dict):
        return structure
    return {name: False if name == "closed" else _opened(inner) for name, inner in structure.items()}


def _changes(old: Structure, new: Structure) -> str:
    before, after = dict(_leaves(old, "")), dict(_leaves(new, ""))
    paths = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    return "; ".join(f"{path}: {before.get(path, 'absent')} → {after.get(path, 'absent')}" for path in paths)


def _leaves(structure: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(structure, dict):
        for name, inner in structure.items():
            yield from _leaves(inner, path if name in ("fields", "item") else f"{path}.{name}".lstrip("."))
    else:
        yield path, str(structure)


def _structure(shape: Shape) -> Structure:
    match shape:
        case Record():
            fields: Structure = {}
            for member in shape.members:
                if member.name not in ("type", "version"):
                    field = {**_structure(member.shape), "nullable": member.nullable, "required": member.required}
                    fields[member.name] = field | ({"unit": member.unit} if member.unit else {})
            return {"kind": "record", "closed": shape.closed, "fields": fields}
        case Choice():
            return {"kind": "choice", "values": list(shape.values)}
        case Nullable():
            return {**_structure(shape.shape), "nullable": True}
        case Many():
            return {"kind": "list", "item": _structure(shape.item)}
        case Fixed():
            return {"kind": "tuple", "items": [_structure(item) for item in shape.items]}
        case Scalar():
            given = {name: getattr(shape, name) for name in (*_LOWER_BOUNDS, *_UPPER_BOUNDS, "pattern", "unit")}
            return {"kind": shape.kind, **{name: value for name, value in given.items() if value is not None}}


def _unreadable(written: Structure, read: Structure, where: str) -> Iterator[str]:
    if written.get("nullable") and not read.get("nullable"):
        yield f"{where or 'it'} may be null"
    if written.get("unit") != read.get("unit"):
        yield f"{where} is written in {written.get('unit')} and read in {read.get('unit')}"
    kinds = (written["kind"], read["kind"])
    if kinds[0] != kinds[1] and kinds != ("int", "float"):
        yield f"{where} is written as {kinds[0]} and read as {kinds[1]}"
        return
    match read["kind"]:
        case "record":
            yield from _unreadable_record(written, read, where)
        case "choice":
            unknown = [value for value in written["values"] if value not in read["values"]]
            if unknown:
                yield f"{where} may be {', '.join(map(str, unknown))}"
        case "list":
            yield from _unreadable(written["item"], read["item"], f"{where}[]")
        case "tuple":
            if len(written["items"]) != len(read["items"]):
                yield f"{where} has {len(written['items'])} items and is read as {len(read['items'])}"
            for index, (left, right) in enumerate(zip(written["items"], read["items"], strict=False)):
                yield from _unreadable(left, right, f"{where}[{index}]")
        case _:
            yield from _unreadable_scalar(written, read, where)


def _unreadable_record(written: Structure, read: Structure, where: str) -> Iterator[str]:
    for name, field in read["fields"].items():
        path = f"{where}.{name}" if where else name
        source = written["fields"].get(name)
        if field["required"] and (source is None or not source["required"]):
            yield f"{path} may be absent"
        if source is not None:
            yield from _unreadable(source, field, path)
    if read["closed"]:
        for name in written["fields"].keys() - read["fields"].keys():
            yield f"{where}.{name} may be there, and unknown names are refused"


def _unreadable_scalar(written: Structure, read: Structure, where: str) -> Iterator[str]:
    for bound in (*_LOWER_BOUNDS, *_UPPER_BOUNDS):
        limit, wrote = read.get(bound), written.get(bound)
        if limit is None:
            continue
        if wrote is None or (wrote < limit if bound in _LOWER_BOUNDS else wrote > limit):
            yield f"{where} has the bound {bound} {wrote} and is read with {limit}"
    if read.get("pattern") not in (None, written.get("pattern")):
        yield f"{where} has the pattern {written.get('pattern')} and is read with {read['pattern']}"
