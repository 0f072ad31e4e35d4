"""What the state machine has found in the transport, each as one plain run: one thing overtakes another."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final

from faust.types import TP

from tests.property.engine.faust_world import TPS, Kafka, Stage, Worker

A: Final = TPS[0]
REBALANCE: Final = ("revoke", "streams finish", "join", "assign", "agents", "tables", "on_rebalance_complete")


class Play:
    """A worker of partition 0, which has four records, whose agent keeps what it gets."""

    def __init__(self, stage: Stage, *, committed: int = 0, start: int | None = None) -> None:
        self.stage = stage
        self.kafka = Kafka("earliest")
        for _ in range(4):
            self.kafka.append(A, 0, 1)
        if committed:
            self.kafka.committed[A] = committed
        self.start: int | None = start
        options = {} if start is None else {"batch_start_offsets": self.starts}
        self.held: list[Any] = []
        self.worker = Worker(stage, self.kafka, self.keep, **options)
        self.rebalance({A})

    async def starts(self, partitions: set[TP]) -> dict[TP, int | None]:
        return dict.fromkeys(partitions, self.start)

    def keep(self, message: Any) -> None:
        message.incref(1)
        self.held.append(message)

    def rebalance(self, tps: set[TP]) -> None:
        self.worker.begin(self.worker.rebalance(tps))
        self.stage.settle()

    def let(self, *names: str) -> None:
        """Open gates one after another, where somebody waits at them."""
        for name in names:
            numbers = [number for number, gate in enumerate(self.stage.gates) if gate[0] == name]
            if numbers:
                self.stage.open(numbers[0])

    def all_go_on(self) -> None:
        for _ in range(60):
            self.stage.open(0)
        assert not self.worker.errors

    def ack(self) -> None:
        for message in self.held:
            message.batch.ack(SimpleNamespace(ack=lambda m=message: m.ack(self.worker.consumer)))
        self.worker.begin(self.worker.consumer.commit())
        self.all_go_on()

    @property
    def offsets(self) -> list[int]:
        """Of the records in batches that count."""
        return [row.offset for message in self.held if not message.batch.stale for row in message.batch.records]


@contextmanager
def play(**options: Any) -> Iterator[Play]:
    stage = Stage()
    playing = Play(stage, **options)
    try:
        yield playing
    finally:
        playing.worker.kill()
        stage.run_until_complete(stage.shutdown_asyncgens())
        stage.close()


def test_a_worker_that_is_left_without_partitions_while_it_recovers_goes_on() -> None:
    with play() as now:
        now.all_go_on()
        now.let("after _fetch")
        now.rebalance({A})
        now.let(*REBALANCE)  # the seek waits for the fetch that is under way
        now.rebalance(set())
        now.let("revoke", "streams finish", "join", "fetch")
        now.all_go_on()


def test_commits_start_anew_with_a_topic_of_which_nothing_was_fetched_before() -> None:
    with play(committed=4) as now:
        now.all_go_on()
        now.kafka.make_anew(A)
        now.kafka.append(A, 0, 1)
        now.worker.thread.position[A] = 0
        now.all_go_on()
        now.ack()
        assert now.kafka.committed == {A: 1}


def test_the_seek_of_a_fetch_that_a_rebalance_stopped_does_not_come_into_the_next_assignment() -> None:
    with play(committed=4, start=1) as now:
        now.all_go_on()
        now.let("after _fetch")
        now.rebalance({A})
        now.let("revoke", "fetch", "after _fetch")
        now.stage.hold("committed")
        now.all_go_on()
        now.stage.hold(None)
        now.all_go_on()
        assert now.offsets == [1, 2, 3]


def test_the_seek_of_a_recovery_that_was_cut_short_does_not_come_into_the_next_assignment() -> None:
    with play(committed=4, start=1) as now:
        now.stage.hold("committed")
        now.let(*REBALANCE)
        now.rebalance({A})
        for _ in range(60):
            now.stage.open(0)
            now.stage.gates.sort(key=lambda gate: gate[0] == "fetch")  # which comes last
            if now.worker.recovered == now.kafka.generation:
                break
        now.stage.hold(None)
        now.let("committed")
        now.all_go_on()
        assert now.offsets == [1, 2, 3]


def test_what_follows_records_that_were_dropped_in_a_rebalance_is_not_committed_before_them() -> None:
    with play() as now:
        now.all_go_on()
        now.rebalance({A})
        now.let("after _fetch", "fetch", "after _fetch", *REBALANCE[:-1])
        now.rebalance({A})
        now.let("revoke", "on_rebalance_complete", "committed", "after _seek_to_committed")
        now.let("fetch", "streams finish", "join", "assignment", "after _fetch")
        now.kafka.append(A, 0, 1)
        now.let("fetch", "assign", "after _fetch", "message")
        assert now.offsets in ([], [0, 1, 2, 3, 4])
