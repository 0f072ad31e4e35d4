"""What operators do about dead letters: send the originals again, or say that nothing is needed."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, MessageSizeTooLargeError

from stridelog import deadletters
from stridelog.dead_letter_log import Deed, Handled, Letter, Original
from stridelog.errors import UserError
from stridelog.settings import Settings
from stridelog.topics import Topics

REPLAYED_FROM: Final = "sl-replayed-from"  # header of a replayed record: the place of its letter
MAX_REQUEST_BYTES: Final = 64 * 1024 * 1024  # before compression
CONNECT_S: Final = 10.0


@dataclass(slots=True)
class Done:
    """What became of letters."""

    letters: int = 0  # marked as handled
    records: int = 0  # sent again
    not_original: int = 0  # letters that hold a row that a store refused, not a record: they are left as they are
    too_large: int = 0  # letters of records that their topic does not take with one more header: left too


class LetterDesk:
    """Replays and drops letters. Use as an async context manager.

    Records are acknowledged before they are marked as handled, so a kill in between sends them once more next time.
    """

    def __init__(self, settings: Settings, topics: Topics, by: str) -> None:
        self._settings = settings
        self._handled_topic = topics.handled_letters.name
        self._by = by
        self._sent: set[Original] = set()
        self._producer: Any = AIOKafkaProducer(
            bootstrap_servers=settings.bootstrap,
            client_id="stridelog-dlq",
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            max_request_size=MAX_REQUEST_BYTES,
        )

    async def __aenter__(self) -> Self:
        try:
            await asyncio.wait_for(self._producer.start(), CONNECT_S)
        except (KafkaConnectionError, TimeoutError) as error:
            await self._producer.stop()
            raise UserError(f"Kafka does not answer at {self._settings.bootstrap}: is the stack up? make up") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def replay(self, letters: Iterable[Letter], done: Done) -> None:
        """Send each letter's original to where it was, once a record, and mark the letters. Raises ``UserError``."""
        some = list(letters)
        originals = [letter for letter in some if letter.stage != deadletters.ROW]
        done.not_original += len(some) - len(originals)
        fresh = list({letter.original: letter for letter in originals if letter.original not in self._sent}.values())
        taken = await self._send([_again(letter) for letter in fresh])
        sent = [letter for letter, was_taken in zip(fresh, taken, strict=True) if was_taken]
        await self._mark("replayed", sent)
        self._sent |= {letter.original for letter in sent}
        handled = sum(letter.original in self._sent for letter in originals)
        done.letters += handled
        done.records += len(sent)
        done.too_large += len(originals) - handled

    async def drop(self, letters: Iterable[Letter], done: Done) -> None:
        """Mark letters as needing nothing. Raises ``UserError``."""
        some = list(letters)
        await self._mark("dropped", some)
        done.letters += len(some)

    async def _mark(self, deed: Deed, letters: Sequence[Letter]) -> None:
        marks = [
            Handled(deed, *one.original, letter=one.place, by=self._by, agent=one.agent if deed == "dropped" else "")
            for one in letters
        ]
        await self._send(
            [
                {
                    "topic": self._handled_topic,
                    "key": f"{mark.topic}:{mark.partition}:{mark.offset} {mark.agent}".strip().encode(),
                    "value": msgspec.json.encode(mark),
                }
                for mark in marks
            ]
        )

    async def _send(self, records: Iterable[dict[str, Any]]) -> list[bool]:
        """Send, and wait until all are acknowledged; ``False`` for those that are too large for their topic."""
        try:
            sent = [await self._producer.send(**record) for record in records]
            answers = await asyncio.gather(*sent, return_exceptions=True)
            for answer in answers:
                if isinstance(answer, BaseException) and not isinstance(answer, MessageSizeTooLargeError):
                    raise answer
        except KafkaError as error:
            raise UserError(f"Kafka at {self._settings.bootstrap} refused a record: {error}") from error
        return [not isinstance(answer, BaseException) for answer in answers]


def _again(letter: Letter) -> dict[str, Any]:
    value = b"" if letter.key is None and letter.value is None else letter.value  # aiokafka wants one of them
    return {
        "topic": letter.source_topic,
        "partition": letter.source_partition,
        "key": letter.key,
        "value": value,
        "headers": [*letter.headers, (REPLAYED_FROM, letter.place.encode())],
    }
