"""The agents, one file each. Importing the package declares them all."""

from agents.achievements import achievements
from agents.challenges import challenges
from agents.feed import feed
from agents.groups import groups
from agents.injury import injury
from agents.lake import lake
from agents.leaderboards import leaderboards
from agents.rankings import rankings
from agents.recommend import recommend
from agents.sensors import sensors
from agents.training import training
from agents.workouts import workouts

__all__ = [
    "achievements",
    "challenges",
    "feed",
    "groups",
    "injury",
    "lake",
    "leaderboards",
    "rankings",
    "recommend",
    "sensors",
    "training",
    "workouts",
]
