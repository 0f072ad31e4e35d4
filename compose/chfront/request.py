"""What a ClickHouse HTTP request says: statement, parameters, settings, body."""

import email.parser
import email.policy
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import cramjam

from compose.chfront.engine import Context

# Parameters of the HTTP interface itself; everything else in the address is a setting of the engine.
_TRANSPORT: Final = frozenset(
    {
        "query",
        "database",
        "default_format",
        "user",
        "password",
        "session_id",
        "session_timeout",
        "session_check",
        "query_id",
        "quota_key",
        "compress",
        "decompress",
        "wait_end_of_query",
        "client_protocol_version",
        "role",
        "buffer_size",
        "stacktrace",
        "close_session",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "enable_http_compression",
        "cancel_http_readonly_queries_on_client_close",
        "add_http_cors_header",
    }
)


class BadRequestError(Exception):
    """The request cannot be read; the message goes to the client with the given HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Request:
    """A request with its body already decompressed."""

    query: bytes
    body: bytes
    context: Context
    default_format: str | None
    query_id: str | None
    wait_end_of_query: bool


def _gunzip(data: bytes) -> bytes:
    return bytes(cramjam.gzip.decompress(data))


def _lz4(data: bytes) -> bytes:
    return bytes(cramjam.lz4.decompress(data))


def _zstd(data: bytes) -> bytes:
    return bytes(cramjam.zstd.decompress(data))


def _brotli(data: bytes) -> bytes:
    return bytes(cramjam.brotli.decompress(data))


_DECODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": _gunzip,
    "deflate": zlib.decompress,
    "lz4": _lz4,
    "zstd": _zstd,
    "br": _brotli,
}


def read_request(target: str, headers: Mapping[str, str], body: bytes) -> Request:
    """Read address, headers (any case of names) and raw body of a request; raise `BadRequestError`."""
    arguments = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
    body = _decode(body, headers.get("Content-Encoding"))
    content_type = headers.get("Content-Type") or ""
    if content_type.lower().startswith("multipart/form-data"):
        arguments |= _form(content_type, body)
        body = b""
    if arguments.get("compress") == "1" or arguments.get("decompress") == "1":
        raise BadRequestError("compress=1 and decompress=1 are not supported here: use HTTP Content-Encoding", 501)
    return Request(
        query=arguments.get("query", "").encode(),
        body=body,
        context=Context(
            database=arguments.get("database") or headers.get("X-ClickHouse-Database"),
            settings={
                name: value
                for name, value in arguments.items()
                if name not in _TRANSPORT and not name.startswith("param_")
            },
            parameters={
                name.removeprefix("param_"): value for name, value in arguments.items() if name.startswith("param_")
            },
            session_id=arguments.get("session_id") or None,
            session_timeout_s=_seconds(arguments.get("session_timeout") or "60"),
        ),
        default_format=arguments.get("default_format") or headers.get("X-ClickHouse-Format"),
        query_id=arguments.get("query_id") or None,
        wait_end_of_query=arguments.get("wait_end_of_query") in ("1", "true"),
    )


def _seconds(text: str) -> float:
    if not text.isdigit():
        raise BadRequestError(f"session_timeout {text!r} is not a whole number of seconds")
    return float(text)


def _decode(body: bytes, encoding: str | None) -> bytes:
    if not body or encoding in (None, "", "identity"):
        return body
    decoder = _DECODERS.get(str(encoding).lower())
    if decoder is None:
        raise BadRequestError(f"Content-Encoding {encoding!r} is not one of {', '.join(_DECODERS)}")
    try:
        return decoder(body)
    except (cramjam.DecompressionError, zlib.error) as error:
        raise BadRequestError(f"the body is not valid {encoding}: {error}") from error


def _form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form. Clients send one where query and parameters are too long for an address."""
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    message = parser.parsebytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body)
    fields: dict[str, str] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename() is not None:
            raise BadRequestError("external data (a file in the form) is not supported by the local ClickHouse", 501)
        payload = part.get_payload(decode=True)
        fields[str(name)] = payload.decode() if isinstance(payload, bytes) else ""
    return fields
