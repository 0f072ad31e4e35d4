"""`python -m compose.chfront --path FOLDER --port N`: serve a chDB folder until SIGTERM or SIGINT."""

import argparse
import logging
import signal
import threading
from pathlib import Path

from compose.chfront.engine import Engine
from compose.chfront.server import FrontServer
from compose.settings import HOST


def main() -> None:
    """Serve until told to stop; finish what runs, then close the engine so that all is on disk."""
    parser = argparse.ArgumentParser(description="ClickHouse's HTTP interface over a chDB folder")
    parser.add_argument("--path", type=Path, required=True, help="data folder")
    parser.add_argument("--port", type=int, required=True, help="port on loopback")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    engine = Engine(arguments.path)
    server = FrontServer((HOST, arguments.port), engine)
    thread = threading.Thread(target=server.serve_forever, name="http", daemon=True)
    thread.start()
    logging.info("ClickHouse %s (chDB) serves %s on port %d", server.version, arguments.path, arguments.port)
    stop.wait()
    server.shutdown()
    engine.close()
    logging.info("closed")


if __name__ == "__main__":
    main()
