"""Reading just enough SQL to tell an insert's head from its data, and a query's output format."""

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    rb"""(?P<skip>\s+|--[^\n]*|\#[ !][^\n]*|/\*.*?\*/)
       |(?P<quoted>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`\\]|\\.|``)*`)
       |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
       |(?P<mark>.)""",
    re.DOTALL | re.VERBOSE,
)
_END_OF_FORMAT_LINE: Final = re.compile(rb"[ \t\f]*\r?\n?")
_TRAILING_FORMAT: Final = re.compile(rb"\bFORMAT\s+(\w+)\s*(?:SETTINGS\s[^;]*)?;?\s*\Z", re.IGNORECASE | re.DOTALL)
_SELECT_WORDS: Final = frozenset({b"SELECT", b"WITH", b"FROM"})
_OTHER_RESULT_WORDS: Final = frozenset({b"SHOW", b"DESCRIBE", b"DESC", b"EXPLAIN", b"EXISTS", b"CHECK"})


@dataclass(frozen=True)
class Insert:
    """An insert whose rows come as data: `head` ends before SETTINGS, FORMAT or VALUES, `data` is what follows."""

    head: bytes
    format: str
    data: bytes
    settings: bytes = b""  # its SETTINGS clause


@dataclass(frozen=True)
class Query:
    """Any other statement. `format` is that of its own FORMAT clause; only a SELECT can be streamed."""

    text: bytes
    format: str | None
    has_result: bool
    is_select: bool


def read_statement(address: bytes, body: bytes, default_format: str | None = None) -> Insert | Query:
    """Join the statement in the address (`query=`) with the body as ClickHouse does, and classify it.

    The body continues the statement; after the head of an insert it is data. An insert that names no format reads
    `default_format`, or Values.
    """
    text = address or body
    first = _first_word(text)
    if first == b"INSERT" and (insert := _read_insert(address, body, default_format)):
        return insert
    joined = b"\n".join(part for part in (address, body) if part)
    found = _TRAILING_FORMAT.search(joined[-2048:])
    is_select = first in _SELECT_WORDS or (first is None and joined.lstrip().startswith(b"("))
    has_result = is_select or first in _OTHER_RESULT_WORDS
    return Query(joined, found[1].decode() if found else None, has_result, is_select)


def _first_word(text: bytes) -> bytes | None:
    for token in _TOKEN.finditer(text):
        if token.lastgroup != "skip":
            return token["word"].upper() if token["word"] else None
    return None


def _read_insert(address: bytes, body: bytes, default_format: str | None) -> Insert | None:
    """Find the end of an insert's head; None where the rows come from a SELECT."""
    text = address or body
    rest = body if address else b""
    depth, previous = 0, b""
    head_end: int | None = None  # where SETTINGS begins

    def insert(end: int, data_format: str, data: bytes) -> Insert:
        cut = end if head_end is None else head_end
        return Insert(text[:cut], data_format, data, text[cut:end])

    for token in _TOKEN.finditer(text):
        if token.lastgroup == "skip":
            continue
        word = (token["word"] or b"").upper()
        mark = token["mark"] or b""
        depth += (mark == b"(") - (mark == b")")
        # A table or database may have any of these words as its name.
        is_name = previous in (b"INTO", b"TABLE", b".")
        previous = word or mark
        if depth or is_name or not word:
            continue
        if word in _SELECT_WORDS:
            return None
        if word == b"VALUES":
            # Inline rows without an address are an ordinary statement, in which parameters work too.
            return insert(token.start(), "Values", text[token.end() :] + rest) if address else None
        if word == b"FORMAT" and (name := re.compile(rb"\s+(\w+)").match(text, token.end())):
            line_end = _END_OF_FORMAT_LINE.match(text, name.end())
            data = text[line_end.end() :] if line_end else b""
            return insert(token.start(), name[1].decode(), data + rest)
        if word == b"SETTINGS":
            head_end = token.start()
    return insert(len(text), default_format or "Values", rest)
