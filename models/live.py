"""The model in use by a worker: loaded by alias, replaced between two batches when there is a new champion.

An agent reads ``current`` once a batch, and scorers never change: so a batch sees one model. A thread asks the
registry. Whatever is wrong with the registry or a file is logged, and the model in use stays.
"""

import asyncio
import logging
import threading
from abc import ABC, abstractmethod
from typing import ClassVar, Final, Generic, Protocol, TypeVar

from models.injury.score import Scorer as InjuryScorer
from models.model_file import BrokenModel, Model
from models.recommend.score import Scorer as RecommendScorer
from models.registry import Kind, Registered, Registry
from stridelog import metrics
from stridelog.settings import Settings

log = logging.getLogger(__name__)

FIRST_LOOK_S: Final = 300.0
"""A worker waits so long at most for its first look at the registry, since features that pass before it are not scored.
The look has an answer within seconds, but importing MLflow on a busy machine takes longer than that.
"""


class Scores(Protocol):
    """What every scorer has."""

    version: str


S = TypeVar("S", bound=Scores)


class LiveModel(ABC, Generic[S]):
    """A resource of an agent: the champion of one kind, if there is one."""

    kind: ClassVar[Kind]

    def __init__(self, settings: Settings) -> None:
        self._registry = Registry(settings)
        self._poll_s = settings.model_poll_s
        self._current: S | None = None
        self._refused = ""  # a version whose file is broken is tried once
        self._said = ""
        self._stop = threading.Event()
        self._looked = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def current(self) -> S | None:
        """The scorer in use, or ``None`` while there is no model. Read it once a batch."""
        return self._current

    async def open(self) -> None:
        """Start looking; returns after the first look, so that the first batch is scored if there is a champion."""
        self._thread = threading.Thread(target=self._watch, name=f"model-{self.kind}", daemon=True)
        self._thread.start()
        await asyncio.to_thread(self._looked.wait, FIRST_LOOK_S)

    async def close(self) -> None:
        """Stop looking. A call to the registry that hangs is left behind; its thread does not keep the process
        alive.
        """
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 1.0)

    def look(self) -> None:
        """Ask the registry once and swap the model if there is a new champion. Never raises."""
        try:
            champion = self._registry.with_alias(self.kind, "champion")
            if champion is None:
                self._say(f"no champion of {self.kind} in {self._registry.place} yet: {self._keeps()}")
            elif self._current is not None and champion.name == self._current.version:
                self._said = ""
            elif champion.name != self._refused:
                self._swap(champion)
        except Exception as error:  # MLflow, its database and its HTTP client raise what they like
            first_line = (str(error).strip().splitlines() or [""])[0]
            self._say(
                f"cannot load the champion of {self.kind} ({type(error).__name__}: {first_line}): {self._keeps()}"
            )

    def _swap(self, champion: Registered) -> None:
        try:
            scorer = self._make(self._registry.load(champion), champion.name)
        except BrokenModel as error:
            self._refused = champion.name
            self._say(f"{champion.name} cannot be used: {error}; {self._keeps()}")
            return
        previous, self._current = self._current, scorer
        self._said = ""
        if previous is not None:
            metrics.MODEL.remove(self.kind, previous.version)
        metrics.MODEL.labels(self.kind, champion.name).set(1)
        log.info("model in use: %s", champion.name)

    @abstractmethod
    def _make(self, model: Model, version: str) -> S:
        """A scorer of the kind. Raises ``BrokenModel``."""

    def _keeps(self) -> str:
        return f"{self._current.version} stays in use" if self._current else "nothing is scored"

    def _say(self, text: str) -> None:
        """Log a state once, not at every look."""
        if text != self._said:
            log.warning("%s", text)
            self._said = text

    def _watch(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._looked.set()
            self._stop.wait(self._poll_s)


class LiveInjury(LiveModel[InjuryScorer]):
    """The champion of injury risk."""

    kind = "injury"

    def _make(self, model: Model, version: str) -> InjuryScorer:
        return InjuryScorer(model, version)


class LiveRecommend(LiveModel[RecommendScorer]):
    """The champion of recommendations."""

    kind = "recommend"

    def _make(self, model: Model, version: str) -> RecommendScorer:
        return RecommendScorer(model, version)
