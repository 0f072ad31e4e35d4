"""How a worker ends itself."""

import logging
import os
import threading
from typing import NoReturn

log = logging.getLogger(__name__)


def end_within(seconds: float, code: int = os.EX_OK) -> None:
    """End the process after so long if it has not ended by itself; for when nothing is under way any more. aiokafka may
    wait for ever to leave its group while a broker is away.
    """

    def end() -> None:
        log.warning("still here %.0f s after everything was written: the process ends", seconds)
        logging.shutdown()
        os._exit(code)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def end_worker(why: str) -> NoReturn:
    """End the process at once: what is under way is read again by the next one, from the watermarks on."""
    log.critical("%s: the process ends", why)
    logging.shutdown()
    os._exit(os.EX_SOFTWARE)
