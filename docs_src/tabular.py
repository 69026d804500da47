"""Explain a Dense net on scikit-learn's breast cancer data: one row, all rows, a tree of rules."""

from pathlib import Path

import keras
from sklearn.datasets import load_breast_cancer

import kerascope as ks

keras.utils.set_random_seed(0)
data = load_breast_cancer(as_frame=True)
columns = ["mean radius", "mean texture", "mean smoothness", "mean concavity", "worst symmetry"]
frame, truth = data.data[columns], data.target.to_numpy()

normal = keras.layers.Normalization()
normal.adapt(frame.to_numpy("float32"))
model = keras.Sequential([
    keras.Input((len(columns),)),
    normal,
    keras.layers.Dense(16, activation="relu"),
    keras.layers.Dense(1, activation="sigmoid"),
])  # fmt: skip
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(frame.to_numpy("float32"), truth, epochs=20, verbose=0)

output = Path("tabular")
output.mkdir(exist_ok=True)

# Single rows: Kernel SHAP against rows of the data, names and all.
table = ks.load_table(frame, model)
result = ks.explain(model, table[:40], target=1)
result.plot().savefig(output / "beeswarm.png")
result[0].plot().savefig(output / "row_0.png")
for name, value in zip(columns, result.by_column()[0], strict=True):
    print(f"{result.explained[0]}: {name} {value:+.2f}")

# Columns over all rows.
ks.ale(model, table, pairs=[("mean radius", "mean texture")]).plot().savefig(output / "ale.png")
ks.partial_dependence(model, table).plot().savefig(output / "dependence.png")
importance = ks.permutation_importance(model, table, truth)
print("most important:", importance.names[importance.order()[0]])
first, second, share, size = ks.interactions(model, table).strongest(1)[0]
print(f"strongest interaction: {first} with {second}, {size:.2f} of the logit (H {share:.2f})")

# The model as a few rules, and how far they can be believed.
tree = ks.surrogate(model, table)
tree.plot().savefig(output / "tree.png")
print(tree)
