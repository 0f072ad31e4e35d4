"""What ClickHouse holds: rows as readers see them (``FINAL``, views), times and days as numbers."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.exceptions import ClickHouseError

from sinks import tables
from stridelog.errors import UserError
from stridelog.settings import Settings

TIMEOUT_S: Final = 600
_NOT_THERE: Final = frozenset({60, 81})  # no such table, no such database: nothing was ever written

_AS_NUMBER: Final = {
    "DateTime64(6, 'UTC')": "toUnixTimestamp64Micro({0})",
    "DateTime('UTC')": "toInt64(toUnixTimestamp({0}))",
    "Date32": "toInt64(toInt32({0}))",
    "LowCardinality(String)": "toString({0})",
}
_VIEW_TYPES: Final = {
    "achieved_at": "DateTime64(6, 'UTC')",
    "reached_at": "DateTime64(6, 'UTC')",
    "minute": "DateTime('UTC')",
}


class ClickHouse:
    """The namespace's database. Use as a context manager."""

    def __init__(self, settings: Settings) -> None:
        self._place = f"{settings.host}:{settings.clickhouse_port}"
        try:
            self._client: Any = clickhouse_connect.get_client(
                host=settings.host,
                port=settings.clickhouse_port,
                username=settings.clickhouse_user,
                password=settings.clickhouse_password,
                compress=False,
                send_receive_timeout=TIMEOUT_S,
                autogenerate_session_id=False,
            )
        except (ClickHouseError, OSError) as error:
            raise self._silent(error) from error
        self._database = settings.namespace

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def rows(self, table: str, expected: pa.Table, *, where: str = "1") -> pa.Table:
        """The columns that ``expected`` has, in its types, of the rows of a table that count."""
        known = {column.name: column.type for column in tables.TABLES[table].columns}
        condition = where.replace("{table}", f"`{self._database}`.`{table}`")
        kinds = [known[name] for name in expected.column_names]
        return self._select(table, expected, kinds, f"FINAL WHERE {condition}")

    def view(self, view: str, expected: pa.Table) -> pa.Table:
        """The columns that ``expected`` has of all rows of a view."""
        kinds = [_VIEW_TYPES.get(name, "") for name in expected.column_names]
        return self._select(view, expected, kinds, "")

    def count(self, table: str, where: str) -> int:
        """How many rows that count meet a condition."""
        one = pa.table({"count()": pa.array([], pa.int64())})
        text = f"SELECT count() AS n FROM `{self._database}`.`{table}` FINAL WHERE {where}"  # noqa: S608 - our names
        found = self._query(text, one)
        return sum(found.column(0).to_pylist())

    def _select(self, source: str, expected: pa.Table, kinds: Sequence[str], rest: str) -> pa.Table:
        columns = [
            f"{_AS_NUMBER.get(kind, '{0}').format(f'`{name}`')} AS `_{name}`"
            for name, kind in zip(expected.column_names, kinds, strict=True)
        ]
        text = f"SELECT {', '.join(columns)} FROM `{self._database}`.`{source}` {rest}"  # noqa: S608 - names of sinks/tables.py
        found = self._query(text, expected)
        return found.rename_columns(expected.column_names)

    def _query(self, text: str, empty: pa.Table) -> pa.Table:
        try:
            found: pa.Table = self._client.query_arrow(text, use_strings=True)
        except ClickHouseError as error:
            if getattr(error, "code", None) in _NOT_THERE:
                return empty.slice(0, 0)
            raise self._silent(error) from error
        except OSError as error:
            raise self._silent(error) from error
        return found

    def _silent(self, error: Exception) -> UserError:
        reason = " ".join(str(error).split())[:200]
        return UserError(
            f"ClickHouse does not answer at {self._place} ({reason}): start the stack with 'make up', or set "
            "STRIDELOG_HOST and STRIDELOG_CLICKHOUSE_PORT"
        )
