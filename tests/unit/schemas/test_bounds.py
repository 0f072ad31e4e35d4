"""At every bound of every field, model and struct draw the line where the model says."""

import copy
import json
import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from schemas.artifacts import EXAMPLES, ROOT, records
from schemas.decode import EVERYONE, BadRecord, decoder_for, parse
from schemas.registry import MESSAGES, encoding_of, version_of
from schemas.shapes import Choice, Fixed, Many, Record, Scalar, Shape
from stridelog.topics import load

TOPICS = load(prefix="")
Path = tuple[str | int, ...]
# Fields whose value must fit others: rules between fields have their own tests.
RULED = {"start", "end", "pauses", "first_time", "last_time", "status", "zone", "n", "time", "user", "type", "version"}
RULED |= {"points", "metric", "effort", "sports", "every", "first_day", "last_day", "group_ids"}


def example(name: str) -> dict[str, Any]:
    suffix = encoding_of(MESSAGES[name])
    value = (ROOT / EXAMPLES / f"{name}.v{version_of(name)}.{suffix}").read_bytes()
    found: dict[str, Any] = msgspec.msgpack.decode(value) if suffix == "msgpack" else json.loads(value)
    return found


def leaves(shape: Shape, path: Path) -> Iterator[tuple[Path, Scalar | Choice]]:
    match shape:
        case Record():
            for member in shape.members:
                if member.name not in RULED:
                    yield from leaves(member.shape, (*path, member.name))
        case Many():
            yield from leaves(shape.item, (*path, 0))
        case Fixed():
            for index, item in enumerate(shape.items):
                yield from leaves(item, (*path, index))
        case Scalar() | Choice():
            yield path, shape


def inside_and_outside(shape: Scalar | Choice) -> tuple[list[Any], list[Any]]:
    if isinstance(shape, Choice):
        return list(shape.values), ["none of these", 17]
    if shape.kind == "int" and shape.ge is not None and shape.le is not None:
        return [shape.ge, shape.le], [shape.ge - 1, shape.le + 1, float(shape.ge), str(shape.ge), True]
    if shape.kind == "float" and shape.ge is not None and shape.le is not None:
        return [shape.ge, shape.le, float(shape.le)], [
            math.nextafter(shape.ge, -math.inf),
            math.nextafter(shape.le, math.inf),
            shape.le + 1,
            str(shape.ge),
            True,
        ]
    if shape.kind == "float":
        return [-1e300, 0, 1e300], ["0", False, []]
    if shape.kind == "bool":
        return [True, False], [0, 1, "true"]
    if shape.kind == "date":
        return ["2026-10-24"], ["2026-10-32", "24.10.2026", 20_000]
    if shape.kind == "str" and shape.pattern is None:
        low, high = shape.min_length or 0, shape.max_length or 50
        return ["é" * low, "🏃" * high], ["é" * (high + 1), 5] + ([""] if low else [])
    if shape.kind == "str":
        return [], ["", "\n", " ", "é", 5]
    return [], [5, "text", [1]]


def put(message: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(message)
    node: Any = changed
    for step, following in pairwise(path):
        if isinstance(step, str) and node.get(step) is None:
            node[step] = [] if isinstance(following, int) else {}
        node = node[step]
    if isinstance(node, list) and not node:
        node.append(None)
    node[path[-1]] = value
    return changed


def encoded(message: dict[str, Any], encoding: str) -> bytes:
    return msgspec.msgpack.encode(message) if encoding == "msgpack" else json.dumps(message).encode()


@pytest.mark.parametrize("name", MESSAGES)
def test_model_and_struct_draw_the_line_where_the_model_says(name: str) -> None:
    decoder, encoding = decoder_for(TOPICS.topic_of_message(name)), encoding_of(MESSAGES[name])
    key, checked = EVERYONE if decoder.for_everyone else b"ada", 0
    for path, shape in leaves(records()[name], ()):
        inside, outside = inside_and_outside(shape)
        for good in inside:
            value = encoded(put(example(name), path, good), encoding)
            parse(value, [name], encoding)
            decoder.decode(key, value)
            checked += 1
        for bad in outside:
            value = encoded(put(example(name), path, bad), encoding)
            with pytest.raises(BadRecord) as slow:
                parse(value, [name], encoding)
            with pytest.raises(BadRecord) as fast:
                decoder.decode(key, value)
            assert fast.value.reason == slow.value.reason, (path, bad)
            checked += 1
    assert checked > 10
