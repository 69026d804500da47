"""LIME: coalitions for an error, against a very long run of the same weighted regression.

`python benchmarks/fewer_passes/lime.py`. Superpixels of photographs and nets that the settings were
not chosen on; the explained output is the logit. Compared with independent coalitions and a ridge
of 1, as the lime package has them. Errors are ‖w − long run‖ / ‖long run‖, the root mean square
over seeds; the error of the long run itself, estimated from its halves, is printed for every case.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator

import numpy as np
from curves import REAL, Row, net, passes_for, save

import kerascope as ks
from kerascope.game import Game
from kerascope.methods.lime import LIME
from kerascope.run import Batch, Run
from kerascope.targets import resolve_targets

# net: its preprocessing, coalitions of the long run, photographs
CASES = {
    "resnet8": ("none", 2**15, ("tfjs_cat.jpg", "coral_bird.bmp", "captum_swan.jpg")),
    "xception": ("tf", 2**15, ("coral_pets.jpg", "captum_siamese.jpg", "tfjs_cat.jpg")),
    "mobilenet_v1": ("tf", 2**14, ("captum_siamese.jpg", "captum_swan.jpg")),
    "mobilenet_v2": ("tf", 2**13, ("coral_bird.bmp", "tfkv_goldfish.jpg")),
}
PASSES = (96, 128, 192, 256, 384, 512, 768, 1000)
SEEDS = 4
RANDOM = "random, ridge 1"
SCHEMES = {
    "hadamard": LIME(samples=PASSES[-1]),
    "paired": LIME(samples=PASSES[-1], design="paired"),
    RANDOM: LIME(samples=PASSES[-1] - 1, design="random", ridge=1.0),
}


def games() -> Iterator[tuple[str, str, int, Game, np.ndarray]]:
    """Cut every photograph; yield net, picture, length of the long run, game and its score."""
    for name, (preprocess, long, pictures) in CASES.items():
        view = net(name)
        for picture in pictures:
            loaded = ks.load_images([REAL / "images" / picture], view.model, preprocess=preprocess)
            x = view.read(loaded)
            targets = resolve_targets(None, view.spec(), 1)
            view.scores(x, targets)
            targets = targets.pin(view.last["scores_of"])
            whole = view.scores(x, targets).values[0]
            run = Run(batch=Batch(64, found=True))
            game = Game(view, x, targets, run, segments="auto", baseline="mean")
            yield name, picture, long, game, whole


def look(method: LIME, game: Game, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a design of a game, and its worths."""
    shown = method.draw(game.widest, np.random.default_rng(seed))
    return shown, game.worths(shown[None])[0]


def curve(scheme: str, game: Game, whole: np.ndarray, truth: np.ndarray) -> dict[int, float]:
    """Return the error of a scheme by passes; a shorter run is the start of a longer one."""
    method, squares = SCHEMES[scheme], dict.fromkeys(PASSES, 0.0)
    for seed in range(SEEDS):
        shown, worths = look(method, game, seed)
        for passes in PASSES:
            few = passes - (method.design == "random")  # the whole input is one of them
            found = method.fit(shown[:few], worths[:few], whole).values
            squares[passes] += float(((found - truth) ** 2).sum()) / SEEDS
    return {passes: (s / (truth**2).sum()) ** 0.5 for passes, s in squares.items()}


def main() -> None:
    """Measure all cases, and print how many fewer passes at the error of 1000 random ones."""
    rows = []
    for name, picture, long, game, whole in games():
        method = LIME(samples=long)
        shown, worths = look(method, game, 10**6)
        fit = method.fit(shown, worths, whole)
        halves = [
            method.fit(shown[h], worths[h], whole).values for h in np.split(np.arange(long), 2)
        ]
        error = np.linalg.norm(halves[0] - halves[1]) / 2 / np.linalg.norm(fit.values)
        print(
            f"{name}, {picture}: {game.widest} segments, R² {fit.r2[0]:.2f}, error of the long "
            f"run {error:.3f}",
            file=sys.stderr, flush=True,
        )  # fmt: skip
        rows += [Row(s, name, picture, curve(s, game, whole, fit.values)) for s in SCHEMES]
    save("lime", rows, "‖w − long run‖ / ‖long run‖")
    cases = {
        key: {row.scheme: row.curve for row in group}
        for key, group in itertools.groupby(rows, lambda row: (row.net, row.picture))
    }
    for scheme in ("hadamard", "paired"):
        fewer = {
            key: PASSES[-1] / passes_for(c[scheme], c[RANDOM][PASSES[-1]])
            for key, c in cases.items()
        }
        each = ", ".join(f"{name} {np.median([v for k, v in fewer.items() if k[0] == name]):.1f}"
                         for name in CASES)  # fmt: skip
        found = list(fewer.values())
        print(
            f"{scheme}: fewer passes than {PASSES[-1]} random ones: median {np.median(found):.1f}, "
            f"from {min(found):.1f} to {max(found):.1f}, {len(found)} photographs; {each}"
        )


if __name__ == "__main__":
    main()
