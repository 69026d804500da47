"""Composites: which rule for which layer, as data.

A composite is an ordered list of (pattern, rule); the first pattern that fits a layer decides. A
pattern is a kind ("convolution", "dense", "linear" for both; "affine" for batch normalisation and
rescaling, through which relevance passes whole unless a rule is named), the name of a class
("Conv2D"), or a path with wildcards ("block1_*", "base/*"); "first " before it asks for a layer
that reads the model's inputs. A rule is a name with its numbers: "gamma:0.25".
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from kerascope.errors import BadMethod, choices

Composite = tuple[tuple[str, str], ...]

_EPSILON = ("dense", "epsilon")

COMPOSITES: dict[str, Composite] = {
    # LRP-0 everywhere: gradient × input, at every layer
    "zero": (("linear", "zero"), ("affine", "zero")),
    "epsilon": (("linear", "epsilon"), ("affine", "epsilon")),
    # Kohlbrenner et al. 2020, table 1
    "epsilon_plus": (("convolution", "z_plus"), _EPSILON),
    "epsilon_plus_flat": (("first linear", "flat"), ("convolution", "z_plus"), _EPSILON),
    "epsilon_alpha2_beta1": (("convolution", "alpha_beta:2,1"), _EPSILON),
    "epsilon_alpha2_beta1_flat": (
        ("first linear", "flat"), ("convolution", "alpha_beta:2,1"), _EPSILON,
    ),
    # Achtibat et al. 2024, section 3.3; softmax, products and normalisations have theirs always
    "attn_lrp": (("convolution", "gamma:0.25"), _EPSILON),
    # Montavon et al. 2019, section 10.3
    "epsilon_gamma_box": (
        ("first convolution", "z_box"), ("convolution", "gamma:0.25"), _EPSILON,
    ),
}  # fmt: skip


def composite_of(value: Any) -> Composite:
    """Return the composite that a name or an ordered list of (pattern, rule) says."""
    if isinstance(value, str):
        if value not in COMPOSITES:
            raise BadMethod(f"composite '{value}' not found{choices(value, COMPOSITES)}")
        return COMPOSITES[value]
    pairs = tuple(tuple(pair) for pair in value)
    for pair in pairs:
        if len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise BadMethod(
                f"composite: {pair!r} is no pair of a pattern and a rule, such as "
                '("Conv2D", "gamma:0.25")'
            )
    return pairs  # type: ignore[return-value]


def fits(pattern: str, kinds: Iterable[str], path: str, *, first: bool) -> bool:
    """Tell whether a pattern fits a layer of these kinds and class names."""
    rest = pattern.removeprefix("first ")
    if rest != pattern and not first:
        return False
    return rest in set(kinds) or fnmatchcase(path, rest) or fnmatchcase(path, f"*/{rest}")
