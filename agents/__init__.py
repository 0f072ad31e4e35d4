"""The agents, one file each. Importing the package declares them all."""

from agents.achievements import achievements
from agents.feed import feed
from agents.injury import injury
from agents.lake import lake
from agents.leaderboards import leaderboards
from agents.rankings import rankings
from agents.recommend import recommend
from agents.sensors import sensors
from agents.thresholds import thresholds
from agents.training import training
from agents.wellness import wellness
from agents.workouts import workouts

__all__ = [
    "achievements",
    "feed",
    "injury",
    "lake",
    "leaderboards",
    "rankings",
    "recommend",
    "sensors",
    "thresholds",
    "training",
    "wellness",
    "workouts",
]
