"""``python -m stridelog`` is ``stridelog``."""

from stridelog.cli import main

main()
