"""A change that would make old and new messages unreadable for each other does not pass."""

import json
import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, create_model
from typer.testing import CliRunner

from schemas import artifacts, compat
from schemas.compat import Structure, problems, structure_of, unreadable
from schemas.envelope import Part
from schemas.shapes import record_of
from stridelog.cli.schemas import schemas_app
from stridelog.topics import load

TOPIC_OF = {message: topic.name for topic in load(prefix="") for message in topic.messages}
Metres = Annotated[float, Field(ge=0, le=100, json_schema_extra={"unit": "m"})]


def structure(**fields: Any) -> Structure:
    documented: Any = {
        name: (kind, Field(*default, description="A field.")) for name, (kind, *default) in fields.items()
    }
    return structure_of(record_of(create_model("Probe", __base__=Part, **documented)))


OLD = structure(
    id=(str, ...), distance=(Metres | None, None), kind=(Literal["a", "b"], ...), laps=(tuple[int, ...], ())
)


@pytest.mark.parametrize(
    "new",
    [
        structure(
            id=(str, ...),
            distance=(Metres | None, None),
            kind=(Literal["a", "b"], ...),
            laps=(tuple[int, ...], ()),
            x=(int | None, None),
        ),
        structure(id=(str, ...), kind=(Literal["a", "b"], ...)),  # optional fields may go
    ],
)
def test_optional_fields_come_and_go(new: Structure) -> None:
    assert problems({"Probe": (2, new)}, {"Probe": {1: OLD}}) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"must": (int, ...)}, "must may be absent"),
        ({"id": (int, ...)}, "id is written as str and read as int"),
        ({"id": (str, "x")}, "id may be absent"),
        ({"kind": (Literal["a", "b", "c"], ...)}, "kind may be c"),
        ({"kind": (Literal["a"], ...)}, "kind may be b"),
        (
            {"distance": (Annotated[float, Field(ge=0, le=50, json_schema_extra={"unit": "m"})] | None, None)},
            "bound le",
        ),
        (
            {"distance": (Annotated[float, Field(ge=0, le=200, json_schema_extra={"unit": "m"})] | None, None)},
            "bound le",
        ),
        ({"distance": (Annotated[float, Field(ge=0, le=100, json_schema_extra={"unit": "km"})] | None, None)}, "in km"),
        ({"laps": (tuple[str, ...], ())}, "laps[] is written as"),
    ],
)
def test_a_breaking_change_is_named(change: dict[str, Any], why: str) -> None:
    kept = {
        "id": (str, ...),
        "distance": (Metres | None, None),
        "kind": (Literal["a", "b"], ...),
        "laps": (tuple[int, ...], ()),
    }
    new = structure(**kept | change)
    found = problems({"Probe": (2, new)}, {"Probe": {1: OLD}})
    assert any(why in problem for problem in found), found


def test_a_field_that_went_does_not_come_back_as_something_else() -> None:
    """Transitive: version 3 is held against version 1 too."""
    first, second = structure(id=(str, ...), laps=(int | None, None)), structure(id=(str, ...))
    third = structure(id=(str, ...), laps=(str | None, None))
    assert problems({"Probe": (2, second)}, {"Probe": {1: first}}) == []
    found = problems({"Probe": (3, third)}, {"Probe": {1: first, 2: second}})
    assert any("version 3 cannot read version 1" in problem for problem in found)


def test_whole_numbers_may_be_read_as_numbers_but_not_back() -> None:
    whole, real = structure(x=(int, ...)), structure(x=(float, ...))
    assert unreadable(whole, real) == []
    assert unreadable(real, whole) == ["x is written as float and read as int"]


def test_a_published_version_is_never_changed() -> None:
    new = structure(id=(str, ...), extra=(int | None, None))
    (problem,) = problems({"Probe": (1, new)}, {"Probe": {1: structure(id=(str, ...))}})
    assert "Probe: version 1 is published, but changed; raise it" in problem
    assert "extra.kind: absent → int" in problem


def test_a_published_message_is_never_removed() -> None:
    assert problems({}, {"Probe": {1: OLD}}) == [
        "Probe: was published, and the log holds such messages; bring the model back"
    ]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository's generated files, to be spoiled."""
    for folder in (artifacts.GENERATED, artifacts.VERSIONS, artifacts.EXAMPLES, Path("docs/reference")):
        shutil.copytree(artifacts.ROOT / folder, tmp_path / folder)
    shutil.copy(artifacts.ROOT / "schemas/hot.py", tmp_path / "schemas/hot.py")
    return tmp_path


def test_the_repositorys_files_are_what_the_models_say(copy: Path) -> None:
    assert artifacts.check(TOPIC_OF, copy) == artifacts.Findings((), (), (), ())


def test_drift_is_found(copy: Path) -> None:
    hot = copy / "schemas/hot.py"
    hot.write_text(hot.read_text().replace("le=250", "le=260"))
    (copy / artifacts.GENERATED / "UserErased.v1.avsc").unlink()
    (copy / artifacts.GENERATED / "UserForgotten.v1.avsc").write_text("{}")
    findings = artifacts.check(TOPIC_OF, copy)
    assert findings.stale == (Path("schemas/hot.py"), artifacts.GENERATED / "UserErased.v1.avsc")
    assert findings.superfluous == (artifacts.GENERATED / "UserForgotten.v1.avsc",)
    assert artifacts.write(TOPIC_OF, copy) == list(findings.stale)


def test_a_model_that_differs_from_its_published_version_fails_and_is_not_published_again(copy: Path) -> None:
    path = copy / artifacts.VERSIONS / "WorkoutCompleted.v2.json"
    published = json.loads(path.read_text())
    published["fields"]["data"]["fields"]["rpe"]["le"] = 20
    path.write_text(compat.text_of(published))
    findings = artifacts.check(TOPIC_OF, copy)
    assert findings.incompatible == (
        "WorkoutCompleted: version 2 is published, but changed; raise it. data.rpe.le: 20 → 10",
    )
    artifacts.write(TOPIC_OF, copy)
    assert json.loads(path.read_text()) == published


def test_the_command_says_what_is_wrong_and_exits_with_1(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CliRunner().invoke(schemas_app, ["check"]).exit_code == 0
    monkeypatch.setattr(artifacts, "ROOT", copy)
    (copy / artifacts.VERSIONS / "WorkoutDreamt.v1.json").write_text(compat.text_of(OLD))
    result = CliRunner().invoke(schemas_app, ["check"])
    assert result.exit_code == 1
    assert "WorkoutDreamt: was published, and the log holds such messages" in result.output
