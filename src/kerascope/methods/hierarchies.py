"""Hierarchies of segments: binary trees in which neighbours that belong together meet early."""

from __future__ import annotations

import numpy as np

from kerascope.errors import BadMethod
from kerascope.game import Game
from kerascope.types import Array

KINDS = ("similar", "halves")


class Tree:
    """A binary tree over the players of a game.

    children: (n − 1, 2), as of SciPy's linkage: row i makes node n + i of two nodes before it; the
    last one is the root. `members` (2n − 1, n) says which players are below a node.
    """

    def __init__(self, children: Array, players: int) -> None:
        self.children, self.players = np.asarray(children, int).reshape(-1, 2), players
        members = np.concatenate([np.eye(players), np.zeros((players - 1, players))])
        for i, pair in enumerate(self.children, players):
            if pair.min() < 0 or pair.max() >= i:
                raise BadMethod(
                    f"the hierarchy's row {i - players} joins nodes {pair.tolist()}; they must be "
                    f"of 0 to {i - 1}"
                )
            members[i] = members[pair[0]] + members[pair[1]]
        if len(self.children) != players - 1 or (members[-1] != 1).any():
            raise BadMethod(
                f"the hierarchy has {len(self.children)} rows; a tree of {players} segments has "
                f"{players - 1}, and every segment once"
            )
        self.members = members.astype(bool)

    @property
    def root(self) -> int:
        """The node that has all players below it."""
        return 2 * self.players - 2

    @property
    def worths(self) -> int:
        """Worths of coalitions that exact Owen values need: two per split in every context."""
        contexts = np.zeros(2 * self.players - 1)
        contexts[self.root] = 1
        for node in range(self.root, self.players - 1, -1):
            contexts[self.children[node - self.players]] = 2 * contexts[node]
        return int(min(2 * contexts[self.players :].sum(), 2**62))


def grow(game: Game, sample: int, kind: str) -> Tree:
    """Return the tree of a sample's segments; inputs are kept apart up to the top.

    "similar" merges neighbours by colour and place, where an input has channels and positions; it
    is "halves" for tokens and columns: the longer side is cut in two again and again. Steps and
    tokens of no player are cut out first.
    """
    players = int(game.players[sample])
    children: list[list[int]] = []
    tops: list[int] = []
    for name, labels in game.labels.items():
        there = (labels[sample] >= 0).reshape(labels.shape[1], -1).any(axis=1)
        if not there.any():  # an input that is held
            continue
        first = int(labels[sample][there].min())
        mine = labels[sample][there] - first
        axes = game.model.axes(name, game.x[name].shape[1:])
        own = game.x[name][sample]
        own = own if there.all() else own[there]
        values = own.astype(np.float64) if mine.ndim == own.ndim > 1 else _values(own, axes)
        merged = _similar(values, mine) if kind == "similar" and values is not None else None
        pairs = _halves(_places(mine)) if merged is None else merged
        count = int(mine.max()) + 1
        start = players + len(children)
        # Numbers of leaves and of nodes of one input's tree become those of the whole.
        children += [[c + first if c < count else c - count + start for c in p] for p in pairs]
        tops.append(players + len(children) - 1 if pairs else first)
    for top in tops[1:]:
        children.append([tops[0], top])
        tops[0] = players + len(children) - 1
    return Tree(np.array(children), players)


def _values(array: Array, axes: tuple[str, ...]) -> Array | None:
    """Return a sample as (*spatial, channel), or None where it has tokens or columns."""
    if "channel" not in axes or len(axes) < 2:
        return None
    return np.moveaxis(array, axes.index("channel"), -1).astype(np.float64)


def _places(labels: Array) -> Array:
    """Return the mean position of every segment: (segment, spatial axis)."""
    flat = labels.ravel()
    counts = np.bincount(flat)
    grid = np.indices(labels.shape).reshape(labels.ndim, -1)
    return np.stack([np.bincount(flat, axis) / counts for axis in grid], axis=1)


def _similar(values: Array, labels: Array) -> list[list[int]]:
    """Merge neighbours by Ward's criterion on mean colour and mean place (Ward 1963)."""
    from scipy import sparse
    from sklearn.cluster import ward_tree

    count = int(labels.max()) + 1
    if count == 1:
        return []
    near = sparse.lil_matrix((count, count), dtype=bool)
    for axis in range(labels.ndim):
        along = np.moveaxis(labels, axis, 0)
        near[along[:-1].ravel(), along[1:].ravel()] = True
        near[along[1:].ravel(), along[:-1].ravel()] = True
    near.setdiag(False)
    flat, size = labels.ravel(), np.bincount(labels.ravel())
    colour = [np.bincount(flat, c) / size for c in values.reshape(len(flat), -1).T]
    features = [np.stack(colour, axis=1), _places(labels)]
    # Either says as much as the other.
    scaled = [
        f / max(np.sqrt(((f - f.mean(axis=0)) ** 2).sum(axis=1).mean()), 1e-12) for f in features
    ]
    return ward_tree(np.concatenate(scaled, axis=1), connectivity=near.tocsr())[0].tolist()


def _halves(places: Array) -> list[list[int]]:
    """Cut segments in two along the axis on which they reach farthest, again and again."""
    children: list[list[int]] = []

    def join(segments: Array) -> int:
        if len(segments) == 1:
            return int(segments[0])
        axis = np.ptp(places[segments], axis=0).argmax()
        order = segments[np.argsort(places[segments, axis], kind="stable")]
        middle = (len(order) + 1) // 2
        children.append([join(order[:middle]), join(order[middle:])])
        return len(places) + len(children) - 1

    join(np.arange(len(places)))
    return children
