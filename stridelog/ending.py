"""How a worker ends itself."""

import logging
import os
from typing import NoReturn

log = logging.getLogger(__name__)


def end_worker(why: str) -> NoReturn:
    """End the process at once: what is under way is read again by the next one, from the watermarks on."""
    log.critical("%s: the process ends", why)
    logging.shutdown()
    os._exit(os.EX_SOFTWARE)
