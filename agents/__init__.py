"""The agents, one file each. Importing the package declares them all."""

from agents.achievements import achievements
from agents.athletes import athletes
from agents.challenges import challenges
from agents.copies import copies
from agents.feed import feed
from agents.groups import groups
from agents.injury import injury
from agents.lake import lake
from agents.leaderboards import leaderboards
from agents.rankings import rankings
from agents.recommend import recommend
from agents.segment_boards import segment_boards
from agents.segments import segments
from agents.sensors import sensors
from agents.thresholds import thresholds
from agents.tracks import tracks
from agents.training import training
from agents.wellness import wellness
from agents.workouts import workouts

__all__ = [
    "achievements",
    "athletes",
    "challenges",
    "copies",
    "feed",
    "groups",
    "injury",
    "lake",
    "leaderboards",
    "rankings",
    "recommend",
    "segment_boards",
    "segments",
    "sensors",
    "thresholds",
    "tracks",
    "training",
    "wellness",
    "workouts",
]
