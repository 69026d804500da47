"""Values, labels, ranks, embeddings, reconstructions, and inputs of several kinds together.

Run it: `python docs_src/kinds.py`. Data: scikit-learn's digits and diabetes, and generated ones.
Figures and reports go to `kinds/`.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_diabetes, load_digits

import kerascope as ks

OUT = Path("kinds")
OUT.mkdir(exist_ok=True)
keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
digits = load_digits()
pictures = (digits.images[:600, ..., None] / 16).astype("float32")  # (sample, 8, 8, 1)
numbers = digits.target[:600]


def say(what, result, row=0):
    """Print what was explained, and draw it."""
    words = result.explained[row]
    print(f"{what}: {words if isinstance(words, str) else ', '.join(words)}")
    result[row].plot().savefig(OUT / f"{what}.png")


# --- a regression: which columns move this patient's value from the average? -----------------
diabetes = load_diabetes()
i = keras.Input((10,))
value = layers.Dense(1, name="progression")(layers.Dense(16, activation="relu")(i))
regression = keras.Model(i, value)
regression.compile(keras.optimizers.Adam(0.05), "mse")
x, y = (diabetes.data * 20).astype("float32"), diabetes.target.astype("float32")
regression.fit(x, y, epochs=12, batch_size=64, verbose=0)
table = ks.load_table(x, regression, columns=diabetes.feature_names)
change = ks.explain(regression, table[:3], target=f"value vs {y.mean():.1f}")
say("regression", change)

# --- several outputs, several labels, ranks --------------------------------------------------
i = keras.Input((8, 8, 1), name="digit")
x = layers.Conv2D(8, 3, activation="relu", name="conv")(i)
x = layers.Flatten()(x)
says = {
    "holes": layers.Dense(2, activation="sigmoid", name="holes")(x),  # "has a loop", "is even"
    "size": layers.Dense(9, activation="sigmoid", name="size")(x),  # "more than k", k = 0 … 8
    "ink": layers.Dense(1, name="ink")(x),
}
several = keras.Model(i, says)
truth = {
    "holes": np.stack([np.isin(numbers, (0, 6, 8, 9)), numbers % 2 == 0], 1),
    "size": numbers[:, None] > np.arange(9),
    "ink": pictures.mean(axis=(1, 2)),
}
losses = {"holes": "binary_crossentropy", "size": "binary_crossentropy", "ink": "mse"}
several.compile(keras.optimizers.Adam(0.01), losses)
truth = {name: array.astype("float32") for name, array in truth.items()}
several.fit(pictures, truth, epochs=8, batch_size=64, verbose=0)
eight = pictures[[8]]  # an eight: a loop, and even
labels = ks.explain(several, eight, target="holes:predicted")
say("labels", labels)
rank = ks.explain(several, eight, target="size:expected-rank")
say("rank", rank)
ink = ks.explain(several, eight, "gradient_x_input", target="ink:value")
say("ink", ink)

# --- embeddings: why do these two match? -----------------------------------------------------
flat = pictures.reshape(len(pictures), -1)
middle = flat.mean(axis=0)
axes = np.linalg.svd(flat - middle, full_matrices=False)[2][:12].T  # principal components
i = keras.Input((8, 8, 1), name="digit")
embedding = layers.Dense(12, name="embedding")(layers.Flatten()(i))
encoder = keras.Model(i, embedding)
encoder.get_layer("embedding").set_weights([axes, -middle @ axes])
alike = ks.explain(
    encoder, pictures[[0]], "integrated_gradients", baseline=middle.reshape(8, 8, 1),
    target=ks.Similarity(pictures[10], name="another zero"),
)  # fmt: skip
say("similarity", alike)
left, right = keras.Input((8, 8, 1), name="left"), keras.Input((8, 8, 1), name="right")
match = layers.Dot(1, normalize=True, name="match")([encoder(left), encoder(right)])
siamese = keras.Model([left, right], match)
both = ks.explain(
    siamese, [pictures[[0]], pictures[[10]]], "occlusion", patch=2, stride=1, baseline="zero",
    shares=True,
)  # fmt: skip
say("siamese", both)
print("share of each:", {name: round(float(of[0]), 2) for name, of in both.shares.items()})

# --- an autoencoder: which pixels make this picture an anomaly? ------------------------------
i = keras.Input((8, 8, 1), name="digit")
made = layers.Dense(64, name="decode")(layers.Dense(12, name="encode")(layers.Flatten()(i)))
autoencoder = keras.Model(i, layers.Reshape((8, 8, 1))(made))
autoencoder.get_layer("encode").set_weights([axes, -middle @ axes])
autoencoder.get_layer("decode").set_weights([axes.T, middle])
spoilt = pictures[[3]].copy()
spoilt[0, 6:8, 0:2] = 1  # planted: a bright square at the lower left
anomaly = ks.explain(autoencoder, spoilt, target="reconstruction")
say("anomaly", anomaly)

# --- a discriminator: what gives the forgery away? -------------------------------------------
i = keras.Input((8, 8, 1), name="picture")
x = layers.Conv2D(8, 3, activation="leaky_relu", padding="same")(i)
critic = keras.Model(i, layers.Dense(1, activation="sigmoid", name="real")(layers.Flatten()(x)))
forged = np.roll(pictures, 1, axis=0).copy()
forged[:, 0, 0:2] = rng.uniform(0.3, 0.6, (len(forged), 2, 1))  # this generator leaves a trace
critic.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
real_or_not = np.repeat([1.0, 0.0], len(pictures))
critic.fit(np.concatenate([pictures, forged]), real_or_not, epochs=4, batch_size=64, verbose=0)
forgery = ks.explain(critic, forged[[5]], "integrated_gradients", target=0)  # 0: forged
say("forgery", forgery)

# --- a picture, columns and words in one model -----------------------------------------------
words = ["[PAD]", "[UNK]", "scan", "shows", "a", "dark", "clear", "spot", "field"]
scan = keras.Input((8, 8, 1), name="scan")
facts = keras.Input((3,), name="facts")
note = keras.Input((6,), dtype="int32", name="note")
seen = layers.GlobalMaxPooling2D()(layers.Conv2D(4, 3, activation="relu")(scan))
known = layers.Dense(4, activation="relu")(facts)
read = layers.GlobalAveragePooling1D()(layers.Embedding(len(words), 4)(note))
risk = layers.Dense(1, activation="sigmoid", name="ill")(layers.Concatenate()([seen, known, read]))
model = keras.Model({"scan": scan, "facts": facts, "note": note}, risk)
ill = rng.random(400) < 0.5
scans = rng.uniform(0, 0.2, (400, 8, 8, 1)).astype("float32")
for sample in np.flatnonzero(ill):
    top, side = rng.integers(0, 6, 2)
    scans[sample, top : top + 3, side : side + 3] += 0.7
columns = np.stack([rng.normal(0, 1, 400), rng.normal(2 * ill - 1, 0.8), rng.normal(0, 1, 400)], 1)
notes = [
    f"scan shows a {'dark' if sick else 'clear'} {'spot' if sick else 'field'}" for sick in ill
]
inputs = ks.load_several(
    {"scan": scans, "facts": columns, "note": ks.load_texts(notes, vocabulary=words, length=6)},
    model, columns={"facts": ["age", "marker", "height"]},
)  # fmt: skip
model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
model.fit(inputs.inputs, ill.astype("float32"), epochs=8, batch_size=64, verbose=0)
patient = int(np.flatnonzero(ill)[0])
case = ks.explain(model, inputs[patient : patient + 1], shares=True)
say("several", case)
for name, share in case.shares.items():
    print(f"  {name}: {share[0]:.0%} of the evidence, adds {case.input_values[name][0]:+.2f}")
ks.report(case, OUT / "several.html")
ks.report(anomaly, OUT / "anomaly.html")
