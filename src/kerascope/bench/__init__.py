"""Methods, and the libraries beside which they are measured, in units of their pass-count floors.

A floor is what a call costs at the least: the passes over the model that it makes, each at the best
time per picture that such a pass takes in the same run, at the best batch size.
"""

from kerascope.bench.floor import Floor
from kerascope.bench.job import Job, Subject
from kerascope.bench.peers import Peer, load_peers
from kerascope.bench.rows import Row, measure

__all__ = ["Floor", "Job", "Peer", "Row", "Subject", "load_peers", "measure"]
