"""The file that is being read."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Source:
    """A file's content, uncompressed, and where it is from."""

    path: Path
    content: bytes
    content_id: str
