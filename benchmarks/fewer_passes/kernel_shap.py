"""Kernel SHAP: worths of coalitions for an error, against the exact Shapley values of all 2ⁿ.

`python benchmarks/fewer_passes/kernel_shap.py`. Superpixels of photographs and nets that the
settings were not chosen on. Compared with Kernel SHAP that draws coalitions from the kernel with
replacement, with antithetic permutations, and with shap's KernelExplainer where it is installed.
Errors are ‖φ − exact‖ / ‖exact‖, the root mean square over seeds.
"""

from __future__ import annotations

import itertools
import logging
import math
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np
from curves import REAL, Row, net, passes_for, save

import kerascope as ks
from kerascope.game import Game
from kerascope.maskers import Masker
from kerascope.method import Data
from kerascope.methods.kernel_shap import KernelSHAP
from kerascope.methods.shapley_sampling import ShapleySampling
from kerascope.run import Batch, Run
from kerascope.targets import resolve_targets

# net: its preprocessing, the numbers of segments, photographs
CASES = {
    "mobilenet_v1": ("tf", (12, 13), ("captum_swan.jpg", "coral_dragonfly.bmp", "tfjs_cat.jpg")),
    "mobilenet_v2": ("tf", (11, 12), ("captum_siamese.jpg", "kvis_ouzel1.jpg", "coral_bird.bmp")),
    "resnet8": ("none", (11, 14), ("tfjs_cat.jpg", "coral_pets.jpg", "captum_siamese.jpg")),
    "xception": ("tf", (11, 13), ("coral_pets.jpg", "coral_hot_dog.jpg", "captum_swan.jpg")),
}
PASSES = (64, 96, 128, 192, 256, 384, 512, 768, 1000)
SEEDS = 20
PLAIN = 1000


class Table:
    """The worth of every coalition of one photograph's segments, and the exact Shapley values."""

    def __init__(self, game: Game) -> None:
        self.players = n = game.widest
        number = np.arange(2**n)
        coalitions = (number[:, None] >> np.arange(n) & 1).astype(bool)
        self.worth = game.worths(coalitions[None])[0, :, 0]
        size = coalitions.sum(axis=1)
        weight = [
            math.factorial(s) * math.factorial(n - s - 1) / math.factorial(n) for s in range(n)
        ]
        self.exact = np.zeros(n)
        for i in range(n):
            out = number[~coalitions[:, i]]
            gain = self.worth[out | 1 << i] - self.worth[out]
            self.exact[i] = (np.array(weight)[size[out]] * gain).sum()
        self.nobody, self.change = self.worth[0], self.worth[-1] - self.worth[0]

    def look(self, coalitions: np.ndarray) -> np.ndarray:
        """Return worths above nobody's: (coalition, 1)."""
        index = (coalitions.astype(np.int64) << np.arange(self.players)).sum(axis=1)
        return self.worth[index][:, None] - self.nobody


Scheme = Callable[[Table, int, int], np.ndarray]


def ours(table: Table, passes: int, seed: int) -> np.ndarray:
    """Kernel SHAP as Kerascope has it."""
    plan = KernelSHAP(samples=passes).plan(table.players, np.random.default_rng(seed))
    return plan.values(table.look(plan.coalitions), np.array([table.change]))[0][:, 0]


def permutations(table: Table, passes: int, seed: int) -> np.ndarray:
    """Antithetic permutations, without the exact values that Shapley sampling may end in."""
    plan = ShapleySampling(samples=min(passes, 2**table.players - 3)).plan(
        table.players, np.random.default_rng(seed)
    )
    return plan.values(table.look(plan.coalitions), np.array([table.change]))[0][:, 0]


def plain(table: Table, passes: int, seed: int) -> np.ndarray:
    """Coalitions from the kernel with replacement; sizes s in proportion to 1 / (s(n − s))."""
    n, generator = table.players, np.random.default_rng(seed)
    sizes = np.arange(1, n)
    chance = 1 / (sizes * (n - sizes))
    drawn = generator.choice(sizes, passes, p=chance / chance.sum())
    rank = generator.random((passes, n)).argsort(axis=1).argsort(axis=1)
    shown = rank < drawn[:, None]
    # The last player takes what the others leave of the change.
    x = shown[:, :-1].astype(float) - shown[:, -1:]
    y = table.look(shown)[:, 0] - shown[:, -1] * table.change
    values = np.linalg.lstsq(x, y, rcond=None)[0]
    return np.append(values, table.change - values.sum())


def shap(table: Table, passes: int, seed: int) -> np.ndarray:
    """shap's KernelExplainer, its selection of features off."""
    from shap import KernelExplainer

    logging.getLogger("shap").setLevel(logging.ERROR)
    np.random.seed(seed)  # noqa: NPY002 - shap draws from it
    explainer = KernelExplainer(lambda x: table.look(x > 0.5)[:, 0], np.zeros((1, table.players)))
    one = np.ones((1, table.players))
    return explainer.shap_values(one, nsamples=passes, l1_reg=0, silent=True)[0]


SCHEMES: dict[str, Scheme] = {
    "kerascope": ours,
    "plain kernel": plain,
    "antithetic permutations": permutations,
} | ({"shap KernelExplainer": shap} if find_spec("shap") else {})


def tables() -> Iterator[tuple[str, str, Table]]:
    """Score all coalitions of every case."""
    for name, (preprocess, (low, high), pictures) in CASES.items():
        view = net(name)
        for picture in pictures:
            loaded = ks.load_images([REAL / "images" / picture], view.model, preprocess=preprocess)
            x = view.read(loaded)
            ((key, array),) = x.items()
            cuts = (cut(array[0], view.axes(key, array.shape[1:]), n) for n in range(10, 80))
            labels = next(c for c in cuts if low <= c.max() + 1 <= high)
            targets = resolve_targets(None, view.spec(), 1)
            view.scores(x, targets)
            targets = targets.pin(view.last["scores_of"])
            run = Run(batch=Batch(32, found=True))
            game = Game(view, x, targets, run, segments=Data(labels[None]), baseline="mean")
            print(f"{name}, {picture}: {game.widest} segments", file=sys.stderr, flush=True)
            yield name, picture, Table(game)


def cut(sample: np.ndarray, axes: tuple[str, ...], count: int) -> np.ndarray:
    """Return SLIC's labels, one label where it finds no more."""
    try:
        return Masker("slic", count).segment(sample, axes)
    except ks.BadInput:
        return np.zeros(sample.shape[:2], np.int32)


def curve(table: Table, scheme: Scheme) -> dict[int, float]:
    """Return the error of a scheme by passes."""
    norm = (table.exact**2).sum()
    return {
        passes: float(
            np.mean([((scheme(table, passes, s) - table.exact) ** 2).sum() for s in range(SEEDS)])
            / norm
        )
        ** 0.5
        for passes in PASSES
    }


def main() -> None:
    """Measure all cases, print how many fewer passes, and the worst ratio of errors."""
    rows = [
        Row(scheme, name, picture, curve(table, function))
        for name, picture, table in tables()
        for scheme, function in SCHEMES.items()
    ]
    save("kernel_shap", rows, "‖φ − exact‖ / ‖exact‖")
    cases = [
        {row.scheme: row.curve for row in group}
        for _, group in itertools.groupby(rows, lambda row: (row.net, row.picture))
    ]
    fewer = [PLAIN / passes_for(c["kerascope"], c["plain kernel"][PLAIN]) for c in cases]
    print(
        f"fewer passes than plain sampling at {PLAIN}: median {np.median(fewer):.1f}, "
        f"from {min(fewer):.1f} to {max(fewer):.1f}, {len(fewer)} photographs"
    )
    for scheme in list(SCHEMES)[1:]:
        ratio = np.array([[c["kerascope"][p] / c[scheme][p] for p in PASSES] for c in cases])
        print(
            f"error over that of {scheme}: median by passes "
            f"{', '.join(f'{r:.2f}' for r in np.median(ratio, axis=0))}; largest {ratio.max():.2f}"
        )


if __name__ == "__main__":
    main()
