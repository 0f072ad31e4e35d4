"""Commits to Delta tables with application transactions (blocking calls; ``sinks/delta.py`` runs them in a thread).

A commit carries, for each source partition that it has rows of, a transaction ``<agent>/<topic>/<partition>`` whose
version is the next offset. delta-rs does not look at it for a handle that was opened just now, so every commit opens
the table, reads the versions, leaves out what they cover, and writes through that same handle: then a commit of the
same partition in between is a conflict, and the handle is opened anew.

Besides the tables there is one more, ``watermarks``: its transactions say where an agent resumes (a data table cannot:
it gets no commit from a batch without rows of it) and who claimed a partition last.
"""

import contextlib
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from sinks.base import Span, TopicPartition
from sinks.lake_tables import LAKE_TABLES, MONTH, WATERMARKS_SCHEMA
from stridelog.settings import Settings

log = logging.getLogger(__name__)

WATERMARKS: Final = "watermarks"
COMMIT_ATTEMPTS: Final = 20
REPLACE_ROWS: Final = 65_536  # read at once from the table that takes another's place
S3_ANSWER_TIMEOUT_S: Final = 30
# Watermarks are committed every few seconds: without this their log would keep a month of files.
WATERMARKS_CONFIGURATION: Final = {"delta.logRetentionDuration": "interval 1 days"}


class CommitConflictError(Exception):
    """Other writers were faster, each time."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A span that waits for its commit, with its conformed rows by table."""

    span: Span
    rows: Mapping[str, Sequence[pa.Table]]


@dataclass(frozen=True, slots=True)
class Lake:
    """The tables below one root: a folder or ``s3://bucket/prefix``."""

    root: str
    storage_options: dict[str, str]

    @classmethod
    def of(cls, settings: Settings) -> "Lake":
        """The lake that the settings name."""
        root = f"{settings.lake.rstrip('/')}/{settings.namespace}"
        if not root.startswith("s3://"):
            return cls(root, {})
        endpoint = settings.s3_endpoint or f"http://{settings.host}:{settings.s3_port}"
        return cls(
            root,
            {
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_ALLOW_HTTP": str(endpoint.startswith("http://")).lower(),
                "AWS_ACCESS_KEY_ID": settings.s3_access_key,
                "AWS_SECRET_ACCESS_KEY": settings.s3_secret_key,
                "AWS_REGION": "us-east-1",
                "connect_timeout": "5s",
                "timeout": f"{S3_ANSWER_TIMEOUT_S}s",
                "max_retries": "3",
                "retry_timeout": f"{S3_ANSWER_TIMEOUT_S}s",
            },
        )

    def uri(self, table: str) -> str:
        """Where a table is; with ``storage_options`` all that a reader needs."""
        return f"{self.root}/{table}"

    def table(self, name: str) -> DeltaTable:
        """A fresh handle."""
        return DeltaTable(self.uri(name), storage_options=self.storage_options or None)

    def create(self) -> None:
        """Create the tables that are missing."""
        for table in LAKE_TABLES.values():
            self._create(table.name, table.stored_schema, table.doc, {}, [MONTH])
        self._create(WATERMARKS, WATERMARKS_SCHEMA, "Where agents resume.", WATERMARKS_CONFIGURATION, None)

    def claim(self, agent: str, sources: Sequence[TopicPartition]) -> dict[TopicPartition, tuple[int, int | None]]:
        """Take over partitions: (epoch, watermark) of each."""
        claimed: dict[TopicPartition, tuple[int, int | None]] = {}

        def attempt(table: DeltaTable) -> None:
            known = set(_registered(table, agent))
            marks = []
            for source in sources:
                before = table.transaction_version(_owner_id(agent, source)) or 0
                epoch = max(before + 1, time.time_ns() // 1000)
                claimed[source] = (epoch, table.transaction_version(_app_id(agent, source)))
                marks.append(Transaction(_owner_id(agent, source), epoch))
            new = [{"agent": agent, **source._asdict()} for source in sources if source not in known]
            _append(table, pa.Table.from_pylist(new, schema=WATERMARKS_SCHEMA), marks)

        self._commit(WATERMARKS, attempt)
        return claimed

    def watermarks(self, agent: str) -> dict[TopicPartition, int]:
        """All watermarks of an agent."""
        table = self.table(WATERMARKS)
        marks = {source: table.transaction_version(_app_id(agent, source)) for source in _registered(table, agent)}
        return {source: mark for source, mark in marks.items() if mark is not None}

    def fenced(
        self,
        agent: str,
        epochs: Mapping[TopicPartition, int],
        held: Mapping[TopicPartition, int] = MappingProxyType({}),
    ) -> set[TopicPartition]:
        """Of the partitions claimed with ``epochs``, those that somebody else has claimed since, and those whose
        watermark is behind ``held``: the table is an older one, from a backup.
        """
        table = self.table(WATERMARKS)
        return {
            source
            for source, epoch in epochs.items()
            if table.transaction_version(_owner_id(agent, source)) != epoch
            or (table.transaction_version(_app_id(agent, source)) or 0) < held.get(source, 0)
        }

    def append(self, agent: str, name: str, pending: Sequence[Pending]) -> None:
        """Append to one table what it does not have yet of these spans."""

        def attempt(table: DeltaTable) -> None:
            marks: dict[TopicPartition, int] = {}
            parts: list[pa.Table] = []
            for one in pending:
                source = one.span.source
                held = table.transaction_version(_app_id(agent, source)) or 0
                if one.span.next > held and name in one.rows:
                    new = [_from_offset(rows, held) if one.span.first < held else rows for rows in one.rows[name]]
                    if one.span.first < (table.transaction_version(_high_id(agent, source)) or 0):
                        new = [_without_held(rows, table, name, one.span) for rows in new]
                    parts += new
                    marks[source] = max(one.span.next, marks.get(source, 0))
            if marks:
                _append(table, pa.concat_tables(parts), [Transaction(_app_id(agent, s), m) for s, m in marks.items()])

        self._commit(name, attempt)

    def advance(
        self, agent: str, marks: Mapping[TopicPartition, int], epochs: Mapping[TopicPartition, int]
    ) -> set[TopicPartition]:
        """Advance watermarks, except those of partitions that somebody else has claimed since: these are returned.

        The claim's own transaction is written again, so a claim at the same moment is a conflict.
        """
        lost: set[TopicPartition] = set()

        def attempt(table: DeltaTable) -> None:
            lost.clear()
            transactions: list[Transaction] = []
            for source, mark in marks.items():
                if table.transaction_version(_owner_id(agent, source)) != epochs[source]:
                    lost.add(source)
                elif mark > (table.transaction_version(_app_id(agent, source)) or 0):
                    transactions.append(Transaction(_app_id(agent, source), mark))
                    transactions.append(Transaction(_owner_id(agent, source), epochs[source]))
            if transactions:
                _append(table, WATERMARKS_SCHEMA.empty_table(), transactions)

        self._commit(WATERMARKS, attempt)
        return lost

    def rewind(self, agent: str, source: TopicPartition, offset: int, epoch: int) -> bool:
        """Set a watermark, also backwards; whether somebody else has claimed the partition since ``epoch``.

        Rows stay: each table remembers up to where it has some, and ``append`` leaves out what is there already.
        """
        if self.fenced(agent, {source: epoch}):
            return True
        lost = False

        def back(table: DeltaTable) -> None:
            held = table.transaction_version(_app_id(agent, source)) or 0
            if held > offset:
                high = max(held, table.transaction_version(_high_id(agent, source)) or 0)
                marks = [Transaction(_app_id(agent, source), offset), Transaction(_high_id(agent, source), high)]
                _append(table, LAKE_TABLES[table.metadata().name].stored_schema.empty_table(), marks)

        def mark(table: DeltaTable) -> None:
            nonlocal lost
            lost = table.transaction_version(_owner_id(agent, source)) != epoch
            if not lost:
                marks = [Transaction(_app_id(agent, source), offset), Transaction(_owner_id(agent, source), epoch)]
                _append(table, WATERMARKS_SCHEMA.empty_table(), marks)

        for name in LAKE_TABLES:  # first: a table that is ahead of the watermark would skip what comes again
            self._commit(name, back)
        self._commit(WATERMARKS, mark)
        return lost

    def replace(self, agent: str, name: str, built: "Lake", marks: Mapping[TopicPartition, int]) -> None:
        """Make a table hold the rows of ``built``'s, which has those below ``marks``, in one commit."""
        transactions = [Transaction(_app_id(agent, source), mark) for source, mark in marks.items()]

        def attempt(table: DeltaTable) -> None:
            rows = built.table(name).to_pyarrow_dataset().scanner(batch_size=REPLACE_ROWS).to_reader()
            properties = CommitProperties(app_transactions=transactions)
            write_deltalake(table, rows, mode="overwrite", commit_properties=properties)

        self._commit(name, attempt)

    def _create(
        self,
        name: str,
        schema: pa.Schema,
        doc: str,
        configuration: Mapping[str, str],
        partition_by: list[str] | None,
    ) -> None:
        try:
            self.table(name)  # not is_deltatable(): that one keeps the interpreter's lock while it waits for S3
        except TableNotFoundError:
            # mode="ignore" is for a table that is there; one that another worker creates meanwhile is a conflict.
            with contextlib.suppress(CommitFailedError):
                DeltaTable.create(
                    self.uri(name),
                    schema,
                    mode="ignore",
                    partition_by=partition_by,
                    name=name,
                    description=doc,
                    configuration=dict(configuration),
                    storage_options=self.storage_options or None,
                )

    def _commit(self, name: str, attempt: Callable[[DeltaTable], None]) -> None:
        """Call ``attempt`` with fresh handles until no other writer comes between."""
        for number in range(COMMIT_ATTEMPTS):
            try:
                return attempt(self.table(name))
            except CommitFailedError as error:
                log.debug("%s: commit %d lost to another writer: %s", name, number, error)
                time.sleep(random.uniform(0.01, 0.05) * (number + 1))  # noqa: S311 - spreads retries, no secret
        raise CommitConflictError(f"{self.uri(name)}: {COMMIT_ATTEMPTS} commits lost to other writers")


def _append(table: DeltaTable, rows: pa.Table, transactions: list[Transaction]) -> None:
    properties = CommitProperties(app_transactions=transactions)
    if rows.num_rows:
        write_deltalake(table, rows, mode="append", commit_properties=properties)
    else:
        partition_by = table.metadata().partition_columns
        table.create_write_transaction([], "append", table.schema(), partition_by, commit_properties=properties)


def _registered(table: DeltaTable, agent: str) -> list[TopicPartition]:
    rows = table.to_pyarrow_table(filters=[("agent", "=", agent)]).to_pylist()
    return sorted({TopicPartition(row["topic"], row["partition"]) for row in rows})


def _from_offset(rows: pa.Table, offset: int) -> pa.Table:
    return rows.filter(pc.greater_equal(rows["source_offset"], offset))


def _without_held(rows: pa.Table, table: DeltaTable, name: str, span: Span) -> pa.Table:
    """The rows of a span that the table does not have, by key and source offset."""
    identity = [*LAKE_TABLES[name].key, "source_offset"]
    held = table.to_pyarrow_table(
        columns=identity,
        filters=[
            ("source_partition", "=", span.partition),
            ("source_offset", ">=", span.first),
            ("source_offset", "<", span.next),
        ],
    )
    # Arrow joins no lists, so only the identity is joined, with the row's number.
    numbered = rows.select(identity).append_column("row", pa.array(range(rows.num_rows), pa.int64()))
    missing = numbered.join(held.cast(numbered.select(identity).schema), identity, join_type="left anti")
    return rows.take(pa.array(sorted(missing["row"].to_pylist()), pa.int64()))


def _app_id(agent: str, source: TopicPartition) -> str:
    return f"{agent}/{source.topic}/{source.partition}"


def _high_id(agent: str, source: TopicPartition) -> str:
    return f"{_app_id(agent, source)}/high"


def _owner_id(agent: str, source: TopicPartition) -> str:
    return f"{_app_id(agent, source)}/owner"
