"""The shape of a message, read from its pydantic model: hot structs, Avro, docs and compatibility rest on it."""

import types
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from schemas.field_docs import doc_of

_SCALARS: Final = {int: "int", float: "float", str: "str", bool: "bool", bytes: "bytes", date: "date"}


@dataclass(frozen=True)
class Scalar:
    """One value: its kind (int, float, str, bool, bytes, date) and constraints."""

    kind: str
    ge: int | float | None = None
    le: int | float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    unit: str | None = None


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[str | int, ...]


@dataclass(frozen=True)
class Nullable:
    """An item of a list that may be null."""

    shape: "Shape"


@dataclass(frozen=True)
class Many:
    """A list of any length."""

    item: "Shape"


@dataclass(frozen=True)
class Fixed:
    """A list of a fixed length."""

    items: "tuple[Shape, ...]"


@dataclass(frozen=True)
class Member:
    """A field of a record."""

    name: str
    shape: "Shape"
    nullable: bool
    required: bool
    default: object
    doc: str
    unit: str | None


@dataclass(frozen=True)
class Record:
    """An object with named fields; ``closed`` refuses names that it does not have."""

    name: str
    doc: str
    members: tuple[Member, ...]
    closed: bool


Shape = Scalar | Choice | Nullable | Many | Fixed | Record


def record_of(model: type[BaseModel]) -> Record:
    """The shape of a model. Raises ``TypeError`` for a type that has no place on the wire."""
    members = []
    for name, info in model.model_fields.items():
        shape, nullable = _field_shape(info, f"{model.__name__}.{name}")
        doc = doc_of(model, name)
        if not doc and name not in ("type", "version"):
            raise TypeError(f"{model.__name__}.{name} has no doc: write a docstring below it")
        required = info.is_required()
        if nullable and (required or info.get_default() is not None):
            raise TypeError(
                f"{model.__name__}.{name} may be null: its default must be None, so that null and absent are one"
            )
        members.append(
            Member(
                name=name,
                shape=shape,
                nullable=nullable,
                required=required,
                default=None if required else info.get_default(),
                doc=doc,
                unit=_unit(info) or (shape.unit if isinstance(shape, Scalar) else None),
            )
        )
    return Record(
        name=model.__name__,
        doc=(model.__doc__ or "").strip(),
        members=tuple(members),
        closed=model.model_config.get("extra") == "forbid",
    )


def records_in(shape: Shape) -> tuple[Record, ...]:
    """All records within a shape, the innermost first, each once."""
    found: dict[str, Record] = {}

    def visit(inner: Shape) -> None:
        if isinstance(inner, Many):
            visit(inner.item)
        elif isinstance(inner, Nullable):
            visit(inner.shape)
        elif isinstance(inner, Fixed):
            for item in inner.items:
                visit(item)
        elif isinstance(inner, Record):
            for member in inner.members:
                visit(member.shape)
            found.setdefault(inner.name, inner)

    visit(shape)
    return tuple(found.values())


def _unit(info: FieldInfo) -> str | None:
    extra = info.json_schema_extra
    return str(extra["unit"]) if isinstance(extra, dict) and "unit" in extra else None


def _field_shape(info: FieldInfo, where: str) -> tuple[Shape, bool]:
    annotation, nullable = _without_none(info.annotation)
    return _shape(annotation, tuple(info.metadata), _unit(info), where), nullable


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, types.UnionType):
        rest = tuple(arg for arg in get_args(annotation) if arg is not type(None))
        if len(rest) != 1:
            raise TypeError(f"{annotation} mixes types: a field has one type, or one type and none")
        return rest[0], True
    return annotation, False


def _shape(annotation: Any, metadata: tuple[Any, ...], unit: str | None, where: str) -> Shape:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *extras = get_args(annotation)
        for extra in extras:
            if isinstance(extra, FieldInfo):
                metadata += tuple(extra.metadata)
                unit = _unit(extra) or unit
            else:
                metadata += (extra,)
        return _shape(inner, metadata, unit, where)
    if origin is Literal:
        return Choice(get_args(annotation))
    if origin is tuple:
        args = get_args(annotation)
        if len(args) == 2 and args[1] is Ellipsis:
            item, nullable = _without_none(args[0])
            shape = _shape(item, (), None, where)
            return Many(Nullable(shape) if nullable else shape)
        return Fixed(tuple(_shape(arg, (), None, where) for arg in args))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return record_of(annotation)
    if annotation not in _SCALARS:
        raise TypeError(
            f"{where}: {annotation} has no place on the wire; use {', '.join(_SCALARS.values())}, a tuple or a Part"
        )
    return Scalar(_SCALARS[annotation], unit=unit, **_constraints(metadata, where))


def _constraints(metadata: tuple[Any, ...], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in metadata:
        if isinstance(item, Ge):
            found["ge"] = item.ge
        elif isinstance(item, Le):
            found["le"] = item.le
        elif isinstance(item, MinLen):
            found["min_length"] = item.min_length
        elif isinstance(item, MaxLen):
            found["max_length"] = item.max_length
        elif getattr(item, "pattern", None) is not None:
            found["pattern"] = item.pattern
        else:
            raise TypeError(
                f"{where}: the hot decoders know no constraint {item!r}; use ge, le, min_length, max_length, pattern"
            )
    return found
