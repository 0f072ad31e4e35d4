"""Risk of an injury within the next 14 days, as of the end of a workout; read card.md before using a score."""

from typing import Final

KIND: Final = "injury"
HORIZON_DAYS: Final = 14
"""A row is positive if an injury's onset lies in (at, at + 14 days]."""
AWAY_DAYS: Final = 28
"""For so long after an onset an athlete is not at risk of a new one: such rows are neither learned from nor
measured.
"""
