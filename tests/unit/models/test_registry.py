"""The registry on real MLflow over SQLite: who becomes champion, what comes back, what breaks."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import model_file
from models.injury.score import Scorer
from models.injury.train import TREES
from models.lake import Injuries
from models.model_file import BrokenModel
from models.registry import Kind, Registered, Registry
from models.rows import FeatureRows, Matrix
from models.training import Outcome, train
from stridelog.errors import UserError
from stridelog.settings import Settings
from tests.unit.models.conftest import Town

Shared = tuple[Registry, dict[Kind, Outcome]]


def quiet(_: str) -> None:
    """Progress that nobody looks at."""


def some(town: Town) -> FeatureRows:
    """Rows of 40 athletes: enough for recommendations, and quick."""
    return town.rows.take(town.rows.user < "athlete-0040")


@pytest.fixture(scope="module")
def shared(town: Town, tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Shared:
    """A registry with a first champion of each kind, and what the trainings said."""
    settings = Settings(local=tmp_path_factory.mktemp("registry"), lake_url="", mlflow_url="", _env_file=None)
    registry = Registry(settings)
    assert not registry.exists
    assert registry.versions() == []
    assert registry.with_alias("injury", "champion") is None
    assert not registry.exists  # looking makes nothing
    (settings.data / "mlflow").mkdir(parents=True)
    shutil.copy(empty_database, settings.data / "mlflow")
    outcomes: dict[Kind, Outcome] = {
        "injury": train("injury", town.rows, town.injuries, registry, seed=1, say=quiet),
        "recommend": train("recommend", some(town), town.injuries, registry, seed=1, say=quiet),
    }
    return registry, outcomes


def test_the_first_version_is_champion_and_comes_back_as_it_went_in(town: Town, shared: Shared) -> None:
    registry, outcomes = shared
    for kind, outcome in outcomes.items():
        assert (outcome.version, outcome.alias, outcome.rival) == (f"{kind}/1", "champion", None)
    champion = _champion(registry, "injury")
    assert champion.name == "injury/1"
    model = registry.load(champion)
    assert model.booster.num_boosted_rounds() == TREES
    assert 0 < Scorer(model, champion.name).score(town.rows.matrix[:1])[0] < 1


def test_a_version_keeps_its_figures_sizes_seed_and_card(shared: Shared) -> None:
    registry, outcomes = shared
    listed = {each.name: each for each in registry.versions()}
    found = listed["injury/1"]
    assert found.metrics["auc"] == pytest.approx(outcomes["injury"].quality["auc"].value)
    assert found.metrics["auc_low"] < found.metrics["auc"] < found.metrics["auc_high"]
    assert found.facts["seed"] == "1"
    assert int(found.facts["train_rows"]) == outcomes["injury"].counts["train_rows"]
    artifacts = {each.path for each in registry.client.list_artifacts(found.run_id)}
    assert artifacts == {"card.md", "model"}


def test_mlflows_own_loader_reads_the_version_with_its_native_flavour(shared: Shared) -> None:
    registry, _ = shared
    import mlflow.xgboost

    champion = _champion(registry, "injury")
    folder = registry.client.download_artifacts(champion.run_id, "model")
    assert mlflow.xgboost.load_model(folder).num_boosted_rounds() == TREES


def test_a_model_that_is_not_better_is_challenger_and_a_better_one_takes_over(
    town: Town, local_settings: Settings
) -> None:
    registry = Registry(local_settings)
    noise = town.rows.matrix.copy()
    np.random.default_rng(5).shuffle(noise)
    worse = train("injury", _with(town.rows, noise), town.injuries, registry, seed=1, say=quiet)
    better = train("injury", town.rows, town.injuries, registry, seed=1, say=quiet)
    same = train("injury", town.rows, town.injuries, registry, seed=1, say=quiet)
    assert [each.alias for each in (worse, better, same)] == ["champion", "champion", "challenger"]
    assert better.rival == "injury/1"
    assert better.rival_value is not None
    assert better.rival_value > better.quality["log_loss"].value
    assert same.rival_value == pytest.approx(same.quality["log_loss"].value)
    aliases = {each.name: each.aliases for each in registry.versions()}
    assert aliases == {"injury/1": (), "injury/2": ("champion",), "injury/3": ("challenger",)}
    registry.set_alias("injury", "champion", 3)
    aliases = {each.name: each.aliases for each in registry.versions()}
    assert aliases == {"injury/1": (), "injury/2": (), "injury/3": ("champion",)}


def test_a_champion_that_cannot_be_read_is_replaced(town: Town, shared: Shared) -> None:
    registry, _ = shared
    champion = _champion(registry, "recommend")
    _file_of(registry, champion).write_bytes(b"not a model")
    with pytest.raises(BrokenModel, match=r"model\.ubj is not a model of ours"):
        registry.load(champion)
    outcome: Outcome = train("recommend", some(town), town.injuries, registry, seed=2, say=quiet)
    assert (outcome.alias, outcome.rival, outcome.rival_value) == ("champion", champion.name, None)


def test_too_few_data_register_nothing(town: Town, local_settings: Settings) -> None:
    registry = Registry(local_settings)
    with pytest.raises(UserError, match="too few"):
        train("injury", town.rows, Injuries({}), registry, seed=1, say=quiet)
    assert registry.versions() == []


def test_a_file_of_another_kind_version_or_width_is_refused(shared: Shared, tmp_path: Path) -> None:
    registry, _ = shared
    model = registry.load(_champion(registry, "injury"))
    path = tmp_path / "model.ubj"
    model.save(path)
    with pytest.raises(BrokenModel, match="of kind injury, expected recommend"):
        model_file.load(path, "recommend")
    sound = model.manifest
    for manifest, text in (
        (replace(sound, names_version=99), "features of version 99"),
        (replace(sound, names=sound.names[:-1]), "columns and names"),
        (replace(sound, names=("nobody_knows", *sound.names[1:])), "unknown features: nobody_knows"),
        (replace(sound, facts={}), "says nothing of its intercept"),
    ):
        model_file.Model(model.booster, manifest).save(path)
        with pytest.raises(BrokenModel, match=text):
            Scorer(model_file.load(path, "injury"), "injury/1")


def _champion(registry: Registry, kind: Kind) -> Registered:
    champion = registry.with_alias(kind, "champion")
    assert champion is not None
    return champion


def _with(rows: FeatureRows, matrix: Matrix) -> FeatureRows:
    return replace(rows, matrix=matrix)


def _file_of(registry: Registry, registered: Registered) -> Path:
    run = registry.client.get_run(registered.run_id)
    return Path(run.info.artifact_uri.removeprefix("file://")) / "model" / "model.ubj"
