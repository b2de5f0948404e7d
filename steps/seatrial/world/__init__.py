"""The typed memory of one scenario, and the verbs that bindings are made of.

A World boots one cluster, lets people act on it, waits for what the history shows, and judges. Waiting in a Given or When that runs out is
inconclusive, for the stimulus never came about; a Then waits too, and then lets a check decide.
"""

from seatrial.world.standing import Pool, Standing
from seatrial.world.timing import Timing
from seatrial.world.world import World

__all__ = ["Pool", "Standing", "Timing", "World"]
