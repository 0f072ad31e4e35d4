"""A TCP proxy that can be cut, for stores that go away and come back while a worker runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Proxy:
    """Passes bytes on to ``host:port`` from a port of its own, until it is cut; mended, it listens on the same port."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._left: int | None = None  # bytes of answers that still pass
        self.port = 0

    async def mend(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, self._target[0], self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Stop listening and reset all connections."""
        self._passing.set()
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def freeze(self) -> None:
        """Keep connections open and pass nothing on, as a server does that hangs."""
        self._passing.clear()

    def thaw(self) -> None:
        """Pass on again."""
        self._passing.set()

    def tear(self, after_bytes: int) -> None:
        """Let so many bytes of answers pass, then reset the connection in the middle of what comes; once."""
        self._left = after_bytes

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._passing.wait()
                if is_answer and self._left is not None:
                    data, self._left = data[: self._left], self._left - len(data)
                    if self._left < 0:
                        self._left = None
                        writer.write(data)
                        break
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, back}
        self._writers |= pair
        pumps = {
            asyncio.create_task(self._pump(reader, back)),
            asyncio.create_task(self._pump(there, writer, is_answer=True)),
        }
        self._tasks |= pumps
        await asyncio.gather(*pumps, return_exceptions=True)
        self._writers -= pair
        self._tasks -= pumps


@asynccontextmanager
async def proxy(host: str, port: int) -> AsyncIterator[Proxy]:
    """A proxy in front of one server."""
    one = Proxy(host, port)
    await one.mend()
    try:
        yield one
    finally:
        await one.cut()
