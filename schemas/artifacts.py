"""All files that are made from the models: where they are, what they say, and whether the repository's still agree."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.build_avro import avro_schema
from schemas.build_docs import messages_reference
from schemas.build_hot import hot_module
from schemas.compat import problems, read_versions, structure_of, text_of
from schemas.registry import MESSAGES, version_of
from schemas.shapes import Record, record_of, records_in

ROOT: Final = Path(__file__).resolve().parent.parent
GENERATED: Final = Path("schemas/generated")
VERSIONS: Final = Path("schemas/versions")
EXAMPLES: Final = Path("schemas/examples")


@dataclass(frozen=True)
class Findings:
    """What is wrong with the files: out of date, superfluous, or incompatible with published versions."""

    stale: tuple[Path, ...]
    superfluous: tuple[Path, ...]
    unpublished: tuple[Path, ...]
    incompatible: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not (self.stale or self.superfluous or self.unpublished or self.incompatible)


def records() -> dict[str, Record]:
    """The shape of every message."""
    return {name: record_of(model) for name, model in MESSAGES.items()}


def files(topics: Mapping[str, str], root: Path = ROOT) -> dict[Path, str]:
    """Generated files by path from the root. ``topics`` is message type → topic."""
    shapes = records()
    made = {Path("schemas/hot.py"): hot_module(shapes.values())}
    for name, shape in shapes.items():
        stem = f"{name}.v{version_of(name)}"
        made[GENERATED / f"{stem}.schema.json"] = _json(json_schema(name))
        made[GENERATED / f"{stem}.avsc"] = _json(avro_schema(shape))
    made[Path("docs/reference/messages.md")] = messages_reference(shapes, topics, _examples(root))
    return made


def json_schema(name: str) -> dict[str, object]:
    """The JSON Schema of a message; a frame's describes its MessagePack map."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:stridelog:{name}:{version_of(name)}",
    }
    schema = MESSAGES[name].model_json_schema(mode="validation")
    for record in records_in(record_of(MESSAGES[name])):
        properties = (schema if record.name == name else schema["$defs"][record.name])["properties"]
        for member in record.members:
            if member.doc:
                described = {**properties[member.name], "description": member.doc}
                properties[member.name] = dict(sorted(described.items()))
    return head | schema


def versions() -> dict[Path, str]:
    """The structure of every message at its present version, by path from the root."""
    return {
        VERSIONS / f"{name}.v{version_of(name)}.json": text_of(structure_of(shape)) for name, shape in records().items()
    }


def write(topics: Mapping[str, str], root: Path = ROOT) -> list[Path]:
    """Write what is out of date, and publish versions that are new. A published version is never written again."""
    written = []
    new_versions = {path: text for path, text in versions().items() if not (root / path).exists()}
    for path, text in {**files(topics, root), **new_versions}.items():
        target = root / path
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def check(topics: Mapping[str, str], root: Path = ROOT) -> Findings:
    """Compare the repository's files with the models."""
    made = files(topics, root)
    stale = [
        path for path, text in made.items() if not (root / path).exists() or (root / path).read_text("utf-8") != text
    ]
    present = {path.relative_to(root) for path in (root / GENERATED).glob("*") if path.is_file()}
    earlier = {path for path in present if _is_earlier(path)}
    current = {name: (version_of(name), structure_of(shape)) for name, shape in records().items()}
    return Findings(
        stale=tuple(stale),
        superfluous=tuple(sorted(present - made.keys() - earlier)),
        unpublished=tuple(path for path in versions() if not (root / path).exists()),
        incompatible=tuple(problems(current, read_versions(root / VERSIONS))),
    )


def _is_earlier(path: Path) -> bool:
    """A generated file of an earlier version of a message that still exists."""
    name, _, rest = path.name.partition(".v")
    version = rest.partition(".")[0]
    return name in MESSAGES and version.isdecimal() and 0 < int(version) < version_of(name)


def _examples(root: Path) -> dict[str, str]:
    found = {}
    for name in MESSAGES:
        path = root / EXAMPLES / f"{name}.v{version_of(name)}.json"
        if path.exists():
            found[name] = path.read_text(encoding="utf-8")
    return found


def _json(schema: object) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
