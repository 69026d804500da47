"""A decision tree that says what the model says, and how far it can be believed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from kerascope.checks import check_whole
from kerascope.columns import Column
from kerascope.errors import BadInput
from kerascope.tabular.asked import Asked
from kerascope.tabular.stored import TableResult
from kerascope.types import Array

_CLOSE = 0.02  # fidelity that a shallower tree may lack
_LEAST = 20  # rows


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Surrogate(TableResult):
    """A tree fitted to what a model says of the rows of a table.

    measure: "R²" of the score, or "agreement" with the predicted class, on held-out rows.
    fidelity: (depth,) from 1 on; depth: that of the tree here. chance: the fidelity of the same
    answer for every row. questions: by node, the words of its question, "" of a leaf. children:
    (node, 2), where the answer is yes and no; −1 of a leaf. answers: (node,) the mean score, or the
    class. shares: (node,) of the rows. purity: (node,) the share of the most frequent class, or the
    standard deviation of the score. classes: names, for classes.
    """

    kind: ClassVar[str] = "surrogate tree"

    measure: str
    fidelity: Array
    depth: int
    chance: float
    questions: tuple[str, ...]
    children: Array
    answers: Array
    shares: Array
    purity: Array
    classes: tuple[str, ...]
    held_out: int

    @property
    def score(self) -> float:
        """The fidelity of the tree here."""
        return float(self.fidelity[self.depth - 1])

    def answer(self, node: int) -> str:
        """Return what a node says, in words."""
        value = self.answers[node]
        return self.classes[int(value)] if self.classes else f"{value:.3g}".replace("-", "−")

    def rules(self) -> list[str]:
        """Return a line for every leaf: the questions on the way to it, and its answer."""
        lines: list[str] = []

        def walk(node: int, way: list[str]) -> None:
            if self.children[node, 0] < 0:
                said = f"{self.answer(node)}  ({self.shares[node]:.0%} of the rows)"
                lines.append(f"if {' and '.join(way)}: {said}" if way else said)
                return
            question = self.questions[node]
            walk(int(self.children[node, 0]), [*way, question])
            walk(int(self.children[node, 1]), [*way, _opposite(question)])

        walk(0, [])
        return lines

    def sentence(self) -> str:
        """Return how far the tree can be believed."""
        rows = f"on {self.held_out} held-out rows"
        if self.measure == "agreement":
            trivial = f"one answer for all: {self.chance:.1%}"
            return (
                f"a tree of depth {self.depth} agrees with the model on {self.score:.1%} "
                f"of {self.held_out} held-out rows; {trivial}"
            )
        if self.score <= 0:
            return f"a tree of depth {self.depth} explains nothing of the score {rows} (R² ≤ 0)"
        return (
            f"a tree of depth {self.depth} explains {self.score:.1%} of the variance of the score "
            f"{rows}"
        )

    def __str__(self) -> str:
        return "\n".join([self.sentence(), *self.rules()])

    def plot(self) -> Any:
        """Return a figure: the tree, and the fidelity at every depth."""
        from kerascope.plot.tree import surrogate_figure

        return surrogate_figure(self)


def _opposite(question: str) -> str:
    for yes, no in ((" ≤ ", " > "), (" is not ", " is ")):
        if yes in question:
            return question.replace(yes, no, 1)
    return question.replace(" is ", " is not ", 1)


def surrogate(
    model: Any,
    table: Any,
    columns: str | Sequence[str] | None = None,
    *,
    target: Any = None,
    score: str = "logit",
    depth: int | None = None,
    most: int = 5,
    leaf: int = 5,
    held_out: float = 0.3,
    batch_size: int | None = None,
    memory: int | str | None = None,
    seed: int = 0,
) -> Surrogate:
    """Fit a decision tree to what the model says, and measure its fidelity on held-out rows.

    Args:
        model: any Keras 3 model, or any function of a batch.
        table: a data frame, a dict of columns, or what `load_table` returns.
        columns: names that the tree may ask for; None: all.
        target: None: the predicted class of a classifier (agreement), the output of a regression;
            as in `explain`, a score that the tree is to say (R²).
        score: "logit" or "probability", of a target.
        depth: of the tree; None: the shallowest whose fidelity is within 0.02 of the best.
        most: depths looked at.
        leaf: rows that a leaf holds at least.
        held_out: share of the rows that the fidelity is measured on.
        batch_size: rows per pass.
        memory: bytes, or words such as "512MB", that bound the rows per pass.
        seed: drives all sampling.

    Raises:
        BadInput: unknown column, or fewer than 20 rows.
    """
    check_whole(1, depth=depth, most=most, leaf=leaf)
    if not 0 < held_out < 1:
        raise BadInput(f"held_out={held_out} must be between 0 and 1")
    asked = Asked(
        model, table, columns, target=target, score=score, batch_size=batch_size, memory=memory,
        seed=seed,
    )  # fmt: skip
    if asked.rows < _LEAST:
        raise BadInput(f"a surrogate tree needs {_LEAST} rows or more; the table has {asked.rows}")
    said, classes = _said(asked, target)
    matrix, words = _matrix(asked)
    order = asked.run.generator(0, 2**33 + 2).permutation(asked.rows)
    cut = max(1, round(held_out * asked.rows))
    test, train = order[:cut], order[cut:]
    depths = range(1, max(most, depth or 1) + 1)
    trees = [_fit(matrix[train], said[train], d, leaf, classes) for d in depths]
    fidelity = np.array([_fidelity(tree.predict(matrix[test]), said[test], classes)
                         for tree in trees])  # fmt: skip
    chosen = depth or int(np.argmax(fidelity >= fidelity.max() - _CLOSE)) + 1
    usual = np.bincount(said[train]).argmax() if classes else said[train].mean()
    chance = _fidelity(np.full(cut, usual), said[test], classes)
    explained = f"predicted class, of {len(classes)}" if classes else asked.explained
    return Surrogate(
        columns=asked.columns, explained=explained, rows=asked.rows, passes=asked.passes,
        notes=tuple(n for n in asked.notes if not (classes and n.startswith("target:"))),
        measure="agreement" if classes else "R²", fidelity=fidelity, depth=chosen, chance=chance,
        classes=classes, held_out=cut, **_taken(trees[chosen - 1], words, classes),
        provenance=asked.made("surrogate", {"depth": depth, "most": most, "leaf": leaf}),
    )  # fmt: skip


def _said(asked: Asked, target: Any) -> tuple[Array, tuple[str, ...]]:
    """Return what the tree is to say of every row, and the names of classes."""
    output = asked.view.spec().output(None)
    if target is not None or output.number:
        return asked.plain(), ()
    raw = asked.outputs(asked.x)[output.name]
    flat = raw.reshape(len(raw), -1)
    half = 0.5 if output.kind == "sigmoid" else 0.0
    codes = (flat[:, 0] > half).astype(int) if flat.shape[1] == 1 else flat.argmax(axis=1)
    count = max(2, flat.shape[1])
    names = asked.view.spec().names(output)
    return codes, names or tuple(f"class {i}" for i in range(count))


def _matrix(asked: Asked) -> tuple[Array, list[tuple[Column, int]]]:
    """Return (row, feature): numbers, and 0 or 1 for each category; and what each feature is."""
    parts, words = [], []
    for column in asked.columns:
        values = column.read(asked.x)
        if not column.categories:
            parts.append(values)
            words.append((column, -1))
            continue
        for code in range(len(column.categories)):
            parts.append((values == code).astype(np.float64))
            words.append((column, code))
    return np.stack(parts, axis=1), words


def _fit(matrix: Array, said: Array, depth: int, leaf: int, classes: tuple[str, ...]) -> Any:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
    return kind(max_depth=depth, min_samples_leaf=leaf, random_state=0).fit(matrix, said)


def _fidelity(told: Array, said: Array, classes: tuple[str, ...]) -> float:
    if classes:
        return float((told == said).mean())
    size = ((said - said.mean()) ** 2).sum()
    return float(1 - ((said - told) ** 2).sum() / size) if size > 0 else 1.0


def _taken(
    fitted: Any, words: list[tuple[Column, int]], classes: tuple[str, ...]
) -> dict[str, Any]:
    """Return a fitted tree's parts as plain arrays and words; "yes" comes first."""
    tree = fitted.tree_
    questions, children = [], np.stack([tree.children_left, tree.children_right], axis=1)
    for node in range(tree.node_count):
        if children[node, 0] < 0:
            questions.append("")
            continue
        column, code = words[tree.feature[node]]
        cut = float(tree.threshold[node])
        if code < 0:
            questions.append(f"{column.name} ≤ {cut:.4g}")
            continue
        questions.append(f"{column.name} is {column.words(code)}")
        children[node] = children[node, ::-1]  # a category is a 1, above the cut
    if classes:
        mine = fitted.classes_[tree.value[:, 0].argmax(axis=1)].astype(np.float64)
        counts = tree.value[:, 0] / tree.value[:, 0].sum(axis=1, keepdims=True)
        purity = counts.max(axis=1)
    else:
        mine, purity = tree.value[:, 0, 0].astype(np.float64), np.sqrt(tree.impurity)
    return {
        "questions": tuple(questions), "children": children.astype(np.int64), "answers": mine,
        "shares": tree.n_node_samples / tree.n_node_samples[0], "purity": purity,
    }  # fmt: skip
