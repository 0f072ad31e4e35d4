"""The model registry: MLflow, by its client only, so that no global state decides where a model goes.

Tracking is a server by setting, else SQLite and a folder. A registered model is a kind (``injury``, ``recommend``);
its aliases are ``champion``, the one that agents load, and ``challenger``, the last one that was not better.
"""

import contextlib
import logging
import os
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from models import model_file
from models.model_file import MODEL_FILE, Model
from stridelog.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

Alias = Literal["champion", "challenger"]
Kind = Literal["injury", "recommend"]
KINDS: Final[tuple[Kind, ...]] = ("injury", "recommend")

_FOLDER: Final = "model"  # of a run's artifacts, in MLflow's native XGBoost flavour
_NOT_THERE: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})  # no such model, no such alias
_opening = threading.Lock()


@dataclass(frozen=True, slots=True)
class Registered:
    """A version of a model in the registry."""

    kind: str
    version: int
    aliases: tuple[str, ...]
    created_ms: int
    run_id: str
    metrics: dict[str, float]
    facts: dict[str, str]  # sizes, seed and cutoff of the training, as text

    @property
    def name(self) -> str:
        """How events and rows name the version: ``injury/3``."""
        return f"{self.kind}/{self.version}"


class Registry:
    """The registry that the settings name. Every method may raise what MLflow raises."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = (settings.data / "mlflow").resolve()
        self._client: MlflowClient | None = None

    @property
    def place(self) -> str:
        """Where the registry is, for people."""
        return self._settings.mlflow_url or str(self._folder)

    @property
    def exists(self) -> bool:
        """False while nothing was ever registered in the local file; a server is taken to exist."""
        return bool(self._settings.mlflow_url) or self._database.exists()

    @property
    def _database(self) -> Path:
        return self._folder / "mlflow.db"

    @property
    def client(self) -> "MlflowClient":
        """MLflow's client; the first call imports MLflow (seconds) and makes the local database."""
        if self._client is None:
            os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
            os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
            with _opening:
                from mlflow import MlflowClient

                for name in ("mlflow", "alembic"):
                    logging.getLogger(name).setLevel(logging.ERROR)
                if not self.exists:
                    _make_database(self._database)
                uri = self._settings.mlflow_url or f"sqlite:///{self._database}"
                self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        return self._client

    def register(
        self, kind: Kind, model: Model, metrics: Mapping[str, float], facts: Mapping[str, str], card: Path
    ) -> Registered:
        """Log a model as a run (file, card, metrics, facts) and make it a version; no alias yet."""
        import mlflow.xgboost

        client = self.client
        run = client.create_run(self._experiment(kind), run_name=kind)
        for name, value in metrics.items():
            client.log_metric(run.info.run_id, name, value)
        for name, text in facts.items():
            client.log_param(run.info.run_id, name, text)
        with tempfile.TemporaryDirectory() as folder:
            mlflow.xgboost.save_model(
                model.booster, f"{folder}/{_FOLDER}", model_format="ubj", pip_requirements=["xgboost-cpu"]
            )
            model.save(Path(folder, _FOLDER, MODEL_FILE))  # with its manifest
            client.log_artifacts(run.info.run_id, f"{folder}/{_FOLDER}", _FOLDER)
        client.log_artifact(run.info.run_id, str(card))
        client.set_terminated(run.info.run_id)
        if kind not in {found.name for found in client.search_registered_models()}:
            client.create_registered_model(kind)
        version = client.create_model_version(kind, f"{run.info.artifact_uri}/{_FOLDER}", run.info.run_id)
        return self._registered(version)

    def set_alias(self, kind: Kind, alias: Alias, version: int) -> None:
        """Point an alias at a version; agents see a new champion within their polling interval.

        A version that becomes champion stops being challenger.
        """
        if alias == "champion":
            challenger = self.with_alias(kind, "challenger")
            if challenger is not None and challenger.version == version:
                self.client.delete_registered_model_alias(kind, "challenger")
        self.client.set_registered_model_alias(kind, alias, str(version))

    def with_alias(self, kind: Kind, alias: Alias) -> Registered | None:
        """The version that an alias points at, without its metrics; ``None`` if there is none."""
        from mlflow.exceptions import MlflowException

        if not self.exists:
            return None
        try:
            return self._registered(self.client.get_model_version_by_alias(kind, alias))
        except MlflowException as error:
            if error.error_code in _NOT_THERE:
                return None
            raise

    def load(self, registered: Registered) -> Model:
        """A version's model. Raises ``models.model_file.BrokenModel`` if its file is not usable."""
        with tempfile.TemporaryDirectory() as folder:
            path = self.client.download_artifacts(registered.run_id, f"{_FOLDER}/{MODEL_FILE}", folder)
            return model_file.load(Path(path), registered.kind)

    def versions(self) -> list[Registered]:
        """Every version of every kind with its metrics, newest first within a kind."""
        if not self.exists:
            return []
        found: list[Registered] = []
        for model in self.client.search_registered_models():
            aliases: dict[int, list[str]] = {}  # a search of versions does not bring them
            for alias, version in model.aliases.items():
                aliases.setdefault(int(version), []).append(alias)
            found.extend(
                self._registered(each, aliases.get(int(each.version), ()), with_run=True)
                for each in self.client.search_model_versions(f"name='{model.name}'")
            )
        return sorted((each for each in found if each.kind in KINDS), key=lambda each: (each.kind, -each.version))

    def _experiment(self, kind: str) -> str:
        name = f"{self._settings.namespace}-{kind}"
        experiment = self.client.get_experiment_by_name(name)
        if experiment is not None:
            return str(experiment.experiment_id)
        place = None if self._settings.mlflow_url else (self._folder / "artifacts").as_uri()
        return str(self.client.create_experiment(name, artifact_location=place))

    def _registered(self, version: Any, aliases: Sequence[str] = (), *, with_run: bool = False) -> Registered:
        metrics: dict[str, float] = {}
        facts: dict[str, str] = {}
        if with_run:
            run = self.client.get_run(version.run_id)
            metrics, facts = dict(run.data.metrics), dict(run.data.params)
        return Registered(
            kind=version.name,
            version=int(version.version),
            aliases=tuple(sorted({*aliases, *version.aliases})),
            created_ms=int(version.creation_timestamp),
            run_id=str(version.run_id),
            metrics=metrics,
            facts=facts,
        )


def _make_database(path: Path) -> None:
    """Make MLflow's SQLite file aside and put it in place whole: another process that looks finds all of it or none."""
    from mlflow import MlflowClient

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        new = Path(folder, path.name)
        MlflowClient(tracking_uri=f"sqlite:///{new}").search_experiments(max_results=1)
        with contextlib.suppress(FileExistsError):  # another process was first
            path.hardlink_to(new)
