"""`tcav`: how much a class depends on concepts that examples show."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.checks import check_score, check_whole
from kerascope.concepts.examples import (
    Examples,
    Reader,
    examples_of,
    listed,
)
from kerascope.concepts.made import provenance
from kerascope.concepts.tcav.draws import LEAST, Draws, draws_of
from kerascope.concepts.tcav.result import TCAV
from kerascope.concepts.tcav.significance import bonferroni, p_values, welch
from kerascope.concepts.tcav.vectors import concept_vector
from kerascope.errors import BadInput, BadLayer, BadTarget
from kerascope.hooks import HookedModel, Site
from kerascope.inside.net import net_of
from kerascope.memory import budget
from kerascope.run import Run
from kerascope.targets import resolve_targets
from kerascope.types import Array

_RUNS = 20
_CHANCE = 0.05  # p-value from which held-out accuracies are no better than chance


def tcav(
    model: Any,
    concepts: Mapping[str, Any],
    inputs: Any,
    target: Any,
    layers: Any,
    *,
    random: Any,
    runs: int | None = None,
    pool: str | None = None,
    examples: int | None = None,
    strength: float = 1.0,
    alpha: float = 0.05,
    score: str = "logit",
    preprocess: Any = "auto",
    seed: int = 0,
    batch_size: int | None = None,
    memory: int | str | None = None,
) -> TCAV:
    """Test how often a score rises as activations move towards a concept (Kim et al. 2018).

    A concept activation vector (CAV) is the normal of a linear classifier between activations of
    examples of the concept and of random ones. The TCAV score is the share of inputs whose score
    rises along it. Every run has a CAV of its own, against random examples of its own, and
    beside it a CAV of other random examples against the same: what scores mean nothing.

    Runs share the examples of the concept, so with many runs the paper's test finds something in
    any set of pictures, random ones too. What is called significant must therefore pass the test,
    and its vectors must tell held-out examples of the concept from random ones better than random
    ones are told from each other.

    Args:
        model: any Keras 3 model, untouched, or a `HookedModel`.
        concepts: name → examples: a folder, pictures, what `load_images` returns, or inputs.
        inputs: examples of the class, likewise; the score is a share of them.
        target: one class, or any other target, as in `explain`.
        layers: a path, a unique end of one, an index or a `Site`; or a list of such.
        random: examples of anything else: a pool, or a list of sets of them.
        runs: vectors of every concept and layer; None: 20, or the number of random sets.
        pool: None: vectors in all activations of a layer, as in the paper. "mean": over positions,
            where the slope is that of all positions moving alike.
        examples: on each side of a vector, at most; the same number for all concepts.
        strength: of the data against the classifier's penalty (scikit-learn's C).
        alpha: level of the test, shared among all concepts × layers (Bonferroni).
        score: "logit" or "probability".
        preprocess: of pictures in files, as in `load_images`.
        seed: drives all sampling.
        batch_size: rows per pass.
        memory: bytes, or words such as "512MB", that bound the activations held.

    Raises:
        BadLayer: no such layer. BadTarget: no such class. BadFile: an empty folder.
        BadInput: what is given does not fit the model, is too little, or does not fit the memory.
    """
    started = time.perf_counter()
    check_score(score)
    check_whole(1, batch_size=batch_size)
    check_whole(LEAST, examples=examples)
    check_whole(2, runs=runs)
    _check(concepts, target, strength, alpha)
    view = HookedModel(net_of(model), score=score, batch_size=batch_size)
    reader = Reader(view, listed(layers), pool, budget(memory))
    net = view.model
    kinds = {
        name: reader.vectors(examples_of(net, given, f"concept '{name}'", preprocess))
        for name, given in concepts.items()
    }
    sets = [reader.vectors(part) for part in _random_sets(net, random, preprocess)]
    runs = runs or (_RUNS if len(sets) == 1 else len(sets))
    counts = [len(next(iter(found.values()))) for found in (*kinds.values(), *sets)]
    named = dict(zip(kinds, counts, strict=False))
    draws = draws_of(named, counts[len(kinds) :], runs, examples, Run(seed=seed))
    cavs, accuracies = _fitted(reader.sites, list(kinds.values()), sets, draws, seed, strength)
    wanted = examples_of(net, inputs, "inputs", preprocess)
    slopes, explained, flat = _slopes(reader, wanted, target, cavs)
    fields = {
        "runs": runs, "pool": pool, "examples": draws.count, "strength": strength, "alpha": alpha,
    }  # fmt: skip
    made = provenance(view, "tcav", fields, target, seed, started)
    notes = (*draws.notes, *view.notes, *flat)
    return _result(reader, tuple(kinds), cavs, accuracies, slopes, explained, alpha, notes, made)


def _check(concepts: Any, target: Any, strength: float, alpha: float) -> None:
    if not isinstance(concepts, Mapping) or not concepts:
        raise BadInput("concepts is a mapping of names to examples: {'stripes': 'stripes/'}")
    if isinstance(target, (list, tuple, np.ndarray)):
        raise BadTarget(f"TCAV is of one target for all inputs; {target!r} is several")
    if not strength > 0:
        raise BadInput(f"strength={strength} must be above 0")
    if not 0 < alpha < 1:
        raise BadInput(f"alpha={alpha} must be between 0 and 1")


def _random_sets(net: Any, random: Any, preprocess: Any) -> list[Examples]:
    """Return the sets of counter-examples; one set is a pool."""
    if isinstance(random, (list, tuple)) and len(random) > 1:
        folders = [isinstance(part, (str, Path)) and Path(part).is_dir() for part in random]
        whole = len(getattr(net, "inputs", None) or ()) == len(random)  # one batch of all inputs
        if all(folders) or (not whole and all(map(_is_set, random))):
            named = enumerate(random)
            return [examples_of(net, part, f"random set {k}", preprocess) for k, part in named]
    return [examples_of(net, random, "random", preprocess)]


def _is_set(part: Any) -> bool:
    if isinstance(part, (str, Path)):
        return False
    return isinstance(part, (Mapping, list)) or hasattr(part, "inputs") or np.ndim(part) > 1


def _fitted(
    sites: Sequence[Site],
    kinds: Sequence[dict[Site, Array]],
    sets: Sequence[dict[Site, Array]],
    draws: Draws,
    seed: int,
    strength: float,
) -> tuple[dict[Site, Array], Array]:
    """Return vectors (concept, run, feature) by site, accuracies (concept, layer, run).

    Those of random examples are the last concept. What is read is let go, layer by layer.
    """
    cavs, accuracies = {}, []
    for site in sites:
        others = np.concatenate([found.pop(site) for found in sets])
        rows = [found.pop(site) for found in kinds]
        cavs[site], accuracy = _vectors(str(site), rows, others, draws, Run(seed=seed), strength)
        accuracies.append(accuracy)
    return cavs, np.stack(accuracies, axis=1)


def _vectors(
    layer: str, kinds: Sequence[Array], others: Array, draws: Draws, run: Run, strength: float
) -> tuple[Array, Array]:
    """Return vectors (concept, run, feature) and accuracies (concept, run), random ones last."""
    vectors = np.zeros((len(kinds) + 1, len(draws.against), others.shape[1]), np.float32)
    accuracies = np.zeros(vectors.shape[:2])
    for i, (against, instead) in enumerate(zip(draws.against, draws.instead, strict=True)):
        for k, rows in enumerate((*kinds, others)):
            generator = run.generator(i, 1 + k)
            chosen = instead if k == len(kinds) else generator.permutation(len(rows))[: draws.count]
            try:
                vectors[k, i], accuracies[k, i] = concept_vector(
                    rows[chosen], others[against], generator, strength=strength
                )
            except BadLayer as error:
                raise BadLayer(f"layer '{layer}': {error}") from error
    return vectors, accuracies


def _slopes(
    reader: Reader, inputs: Examples, target: Any, cavs: Mapping[Site, Array]
) -> tuple[dict[Site, Array], str, list[str]]:
    """Return slopes (concept, run, input) by site, the words of the target, and notes."""
    view, explained = reader.view, ""
    parts: dict[Site, list[Array]] = {site: [] for site in cavs}
    first: dict[Site, Array] = {}
    alike = dict.fromkeys(cavs, True)
    for part in inputs.parts():
        x = reader.read(part, inputs.what)
        targets = resolve_targets(target, view.spec(), len(next(iter(x.values()))))
        if len(targets) != 1:
            raise BadTarget(f"TCAV is of one target; {target!r} is {len(targets)}")
        explained = explained or next(iter(targets)).words(0)
        for which, rows, pad in reader.chunks(x, inputs.what):
            found = view.gradients(rows, targets.take(which), reader.sites, inputs=False, pad=pad)
            for site, layout in reader.layouts.items():
                slopes = reader.slopes(layout, found.layers[site][:, 0])
                start = first.setdefault(site, slopes[0].copy())
                near = 1e-4 * float(np.abs(start).max())
                alike[site] &= bool(np.abs(slopes - start).max() <= near)
                parts[site].append(np.einsum("crf,nf->crn", cavs[site], slopes, optimize=True))
    notes = []
    for site, start in first.items():
        if alike[site] and not start.any():
            notes.append(f"the score does not depend on layer '{site}': all slopes are zero")
        elif alike[site] and sum(p.shape[-1] for p in parts[site]) > 1:
            notes.append(
                f"all inputs have the same gradient at layer '{site}', as what follows is linear: "
                "the score of a vector is 0 or 1"
            )
    return {site: np.concatenate(some, axis=-1) for site, some in parts.items()}, explained, notes


def _result(
    reader: Reader,
    names: tuple[str, ...],
    cavs: Mapping[Site, Array],
    accuracies: Array,
    slopes: Mapping[Site, Array],
    explained: str,
    alpha: float,
    notes: tuple[str, ...],
    made: Any,
) -> TCAV:
    """Return the result: scores from slopes, tests from scores."""
    every = np.stack([slopes[site] for site in cavs], axis=1)  # concept, layer, run, input
    scores, layers = (every > 0).mean(axis=-1), tuple(str(site) for site in cavs)
    p, significant, doubts = _tested(names, layers, scores, accuracies, alpha)
    return TCAV(
        concepts=names,
        layers=layers,
        scores=scores[:-1].astype(np.float32),
        random_scores=scores[-1].astype(np.float32),
        p_values=p,
        significant=significant,
        accuracies=accuracies[:-1].astype(np.float32),
        random_accuracies=accuracies[-1].astype(np.float32),
        vectors={
            str(site): cavs[site][:-1].reshape(*cavs[site][:-1, :, 0].shape, *shape)
            for site, shape in ((site, reader.feature_shape(site)) for site in cavs)
        },
        slopes=every[:-1].astype(np.float32),
        alpha=alpha,
        explained=explained,
        notes=(*notes, *doubts),
        provenance=made,
    )


def _tested(
    names: tuple[str, ...], layers: tuple[str, ...], scores: Array, accuracies: Array, alpha: float
) -> tuple[Array, Array, list[str]]:
    """Return p-values and what is significant, (concept, layer), and notes.

    scores, accuracies: (concept, layer, run), random ones last.
    """
    p = p_values(scores[:-1], scores[-1])
    told = np.array([
        [welch(a, b, alternative="greater") < _CHANCE
         for a, b in zip(rows, accuracies[-1], strict=True)]
        for rows in accuracies[:-1]
    ])  # fmt: skip
    still = (np.ptp(scores, axis=-1) == 0)[:-1] & (np.ptp(scores[-1], axis=-1) == 0)
    notes = [
        f"the scores of '{names[i]}' and the random ones at layer '{layers[k]}' do not vary: there "
        "is nothing to test, p is 1"
        for i, k in np.argwhere(still)
    ]
    notes += [
        f"vectors of '{names[i]}' at layer '{layers[k]}' tell it from random examples no better "
        "than those are told from each other (held-out accuracy "
        f"{accuracies[i, k].mean():.2f}): not significant, whatever p is"
        for i, k in np.argwhere(~told)
    ]
    return p, (bonferroni(p) < alpha) & told, notes
