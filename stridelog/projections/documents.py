"""Gathers what a batch sets and unsets in documents: one row a document, and what is set wins."""

from collections import defaultdict
from typing import Any

from sinks.base import Document


class Documents:
    """Fields by collection and document."""

    def __init__(self) -> None:
        self._fields: dict[tuple[str, str], tuple[dict[str, Any], set[str]]] = defaultdict(lambda: ({}, set()))

    def set(self, collection: str, id: str, field: str, value: Any) -> None:
        """The document has the field."""
        self._fields[collection, id][0][field] = value

    def unset(self, collection: str, id: str, field: str) -> None:
        """The document does not have the field, unless it is set too."""
        self._fields[collection, id][1].add(field)

    def put(self, collection: str, id: str, field: str, value: Any | None) -> None:
        """The document has the field, or with ``None`` has it not."""
        if value is None:
            self.unset(collection, id, field)
        else:
            self.set(collection, id, field, value)

    def all(self) -> list[Document]:
        """The rows for the sink."""
        return [
            Document(collection, id, set=fields, unset=sorted(gone - fields.keys()))
            for (collection, id), (fields, gone) in self._fields.items()
        ]
