"""Real networks and photographs: old files load, agree with new ones, and recognise."""

from __future__ import annotations

import numpy as np
import pytest

from kerascope.errors import BadInput
from kerascope.facts import facts_of
from kerascope.loading import load_images, load_model, range_hint
from once import not_on_jax

keras = pytest.importorskip("keras")

pytestmark = [pytest.mark.real, not_on_jax]


def predict(model, images):
    inputs = np.asarray(images)
    inputs = [inputs] if isinstance(model.input, list) else inputs
    return np.asarray(keras.ops.convert_to_numpy(model(inputs)))


def test_a_file_that_plain_keras_refuses_loads_and_agrees(real):
    labels = real / "imagenet_class_index.json"
    old = load_model(real / "models" / "mobilenet_v1_0.25_224.h5", labels=labels)
    (note,) = facts_of(old).notes
    assert note.startswith("dropped groups=1 from 13 layers of class DepthwiseConv2D: ")
    new = load_model(real / "models" / "mobilenet_v1_025_224_imagenet.keras", labels=labels)
    images = load_images(real / "images" / "captum_zebra.jpg", old)
    assert images.preprocessing == "tf"
    assert range_hint(old, images.inputs) is None
    one, other = predict(old, images), predict(new, images)
    assert np.allclose(one, other, atol=1e-5)
    assert facts_of(old).labels[int(one.argmax())] == "zebra"


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        ("coral_cat.bmp", "Egyptian_cat"),
        ("captum_siamese.jpg", "Siamese_cat"),
        ("tfkv_goldfish.jpg", "goldfish"),
        ("coral_parrot.jpg", "macaw"),
    ],
)
def test_photographs_are_recognised(real, photo_net, picture, name):
    images = load_images(real / "images" / picture, photo_net)
    assert images.shape == (1, 224, 224, 3)
    assert max(images.display[0].shape) <= 1024
    assert facts_of(photo_net).labels[int(predict(photo_net, images).argmax())] == name


@pytest.fixture(scope="module")
def photo_net(real):
    path = real / "models" / "mobilenet_v2_100_224_imagenet.keras"
    return load_model(path, labels=real / "imagenet_class_index.json")


def test_a_net_without_clue_is_asked_about_and_both_its_files_agree(real):
    old = load_model(real / "models" / "mlperf_tiny_resnet8_cifar10.h5")
    new = load_model(real / "models" / "resnet8_cifar10.keras")
    photo = real / "images" / "tfjs_cat.jpg"
    with pytest.raises(BadInput, match="--preprocess NAME"):
        load_images(photo, new)
    images = load_images(photo, new, preprocess="none")
    assert np.allclose(predict(old, images), predict(new, images), atol=1e-5)
    assert int(predict(new, images).argmax()) == 3  # cat


def test_a_grey_net_of_keras_2_0_5(real):
    model = load_model(real / "models" / "fer2013_mini_XCEPTION.102-0.66.hdf5")
    images = load_images(real / "images" / "captum_siamese.jpg", model, preprocess="tf", fit="crop")
    assert images.shape == (1, 64, 64, 1)
    values = predict(model, images)
    assert values.shape == (1, 7)
    assert values.sum() == pytest.approx(1, abs=1e-5)
