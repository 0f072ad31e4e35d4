"""XML from strangers: no document type, so no entities to expand and nothing to fetch."""

import datetime as dt
import io
import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from recordings.model import RecordingError
from recordings.source import Source

_FRACTION: Final = re.compile(r"\.(\d+)")


def local_name(tag: str) -> str:
    """The tag without its namespace: files spell namespaces in many ways and forget them."""
    return tag.rpartition("}")[2]


def events(source: Source, *, ends: bool = True) -> Iterator[tuple[str, Element]]:
    """The parser's start and end events; raises ``RecordingError`` for broken XML or a document type.

    What comes before the damage is yielded first.
    """
    try:
        kinds = ("start", "end") if ends else ("start",)
        yield from iterparse(io.BytesIO(source.content), events=kinds, forbid_dtd=True)
    except DefusedXmlException as error:
        raise RecordingError(
            source.path, "has a document type (DTD), which recordings have not and attacks have: refused"
        ) from error
    except ParseError as error:
        raise RecordingError(source.path, f"broken XML ({error})") from error
    except (LookupError, UnicodeError, ValueError) as error:
        raise RecordingError(source.path, f"text in an encoding that XML does not allow ({error})") from error


def root_name(source: Source) -> str:
    """The name of the outermost element. A document type before it raises ``RecordingError``."""
    for _, element in events(source, ends=False):
        return local_name(element.tag)
    raise RecordingError(source.path, "no XML element in it")


def parse_time(text: str) -> dt.datetime:
    """An ``xsd:dateTime``; naive where the file gives no zone. Raises ``ValueError``."""
    return dt.datetime.fromisoformat(_FRACTION.sub(lambda digits: f".{digits[1]:0<6.6}", text.strip()))


def text_of(source: Source) -> str:
    """The document as text, for a parser that does not read bytes; call :func:`root_name` before."""
    content = source.content
    declared = re.match(rb"""(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding=["']([A-Za-z0-9._-]+)""", content)
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else declared[1].decode() if declared else "utf-8"
    try:
        return content.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except (LookupError, UnicodeError) as error:
        raise RecordingError(source.path, f"not the text in {encoding} that it says it is ({error})") from error
