"""What the model is given and what is shown belong together and are never mixed up."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from kerascope.errors import BadFile, BadImage, BadInput
from kerascope.loading import Images, load_images


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "photos"
    place.mkdir()
    for name, colour in (("b.png", "blue"), ("a.jpg", "red"), ("c.BMP", "green")):
        Image.new("RGB", (20, 10), colour).save(place / name)
    (place / "readme.txt").write_text("no picture")
    (place / ".hidden.png").write_text("no picture either")
    return place


def test_a_folder_is_sorted_and_only_its_pictures_count(folder):
    images = load_images(folder)
    assert images.names == ("a", "b", "c")
    assert images.shape == (3, 10, 20, 3)
    assert images.inputs.dtype == np.float32
    assert images.inputs[1, 0, 0].tolist() == [0, 0, 255]
    assert "'photos': 2 files skipped, not pictures" in images.notes


def test_reading_pictures_needs_no_keras(folder):
    code = (
        "import sys, kerascope.loading as loading; loading.load_images(sys.argv[1], size=8); "
        "print('keras' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_patterns_lists_and_single_files(folder):
    assert load_images(str(folder / "*.png")).names == ("b",)
    assert load_images(str(folder / "*")).names == ("a", "b", "c")
    assert load_images([folder / "c.BMP", str(folder / "a.jpg")]).names == ("c", "a")
    assert load_images(folder / "a.jpg").names == ("a",)
    with pytest.raises(BadFile, match="nothing matches"):
        load_images(str(folder / "*.webp"))
    with pytest.raises(BadFile, match="1 files match, none is a picture"):
        load_images(str(folder / "*.txt"))


def test_sub_folders_count_where_there_are_no_pictures(folder):
    images = load_images(folder.parent)
    assert images.names == ("a", "b", "c")
    assert "from its sub-folders" in images.notes[0]


def test_nothing_to_read_is_an_error(tmp_path):
    with pytest.raises(BadFile, match="holds no pictures"):
        load_images(tmp_path)
    with pytest.raises(BadInput, match="the list is empty"):
        load_images([])
    with pytest.raises(BadImage, match="does not exist"):
        load_images(tmp_path / "x.png")


def test_a_bad_picture_in_a_list_is_named(folder):
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(BadImage, match=r"'broken.png' is .*damaged"):
        load_images(folder)


def test_equal_stems_get_the_folder_in_their_name(tmp_path):
    for kind in ("cat", "dog"):
        (tmp_path / kind).mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / kind / "1.png")
    assert load_images(tmp_path).names == ("cat_1", "dog_1")
    same = tmp_path / "cat" / "1.png"
    assert load_images([same, same]).names == ("cat_1", "cat_1-2")


def test_the_model_gives_the_size_and_the_display_keeps_its_own(folder, pretend):
    images = load_images(folder, pretend((None, 8, 6, 3)), preprocess="none")
    assert images.shape == (3, 8, 6, 3)
    assert [picture.shape for picture in images.display] == [(10, 20, 3)] * 3
    assert all(picture.dtype == np.uint8 for picture in images.display)
    assert images.display[1][0, 0].tolist() == [0, 0, 255]


def test_cropping_shows_what_the_model_sees(tmp_path, pretend):
    array = np.zeros((10, 30, 3), np.uint8)
    array[:, 10:20] = (9, 99, 199)
    Image.fromarray(array).save(tmp_path / "a.png")
    images = load_images(tmp_path, pretend((None, 5, 5, 3)), preprocess="none", fit="crop")
    assert images.display[0].shape == (10, 10, 3)
    assert np.allclose(images.inputs[0], (9, 99, 199))
    assert (images.display[0] == (9, 99, 199)).all()
    squeezed = load_images(tmp_path, pretend((None, 5, 5, 3)), preprocess="none")
    assert squeezed.display[0].shape == (10, 30, 3)
    assert squeezed.inputs[0, 2, 0].max() == 0
    with pytest.raises(BadInput, match="fit='pad' is not known"):
        load_images(tmp_path, fit="pad")


def test_large_pictures_are_shown_small(tmp_path):
    images = load_images(Image.new("RGB", (2048, 512)), size=(4, 16))
    assert images.display[0].shape == (256, 1024, 3)
    assert images.shape == (1, 4, 16, 3)


def test_size_is_asked_for_when_nothing_fixes_it(tmp_path, pretend):
    pictures = [Image.new("RGB", (4, 4)), Image.new("RGB", (5, 4))]
    open_model = pretend((None, None, None, 3))
    with pytest.raises(BadInput, match=r"different sizes \('0' 4×4, '1' 4×5\).*give size="):
        load_images(pictures, open_model, preprocess="none")
    assert load_images(pictures, open_model, preprocess="none", size=6).shape == (2, 6, 6, 3)
    assert load_images(pictures[:1], open_model, preprocess="none").shape == (1, 4, 4, 3)
    with pytest.raises(BadInput, match="size=3×3 does not fit the model's input 8×8"):
        load_images(pictures, pretend(), size=3, preprocess="none")
    with pytest.raises(BadInput, match="size=0 is not a size"):
        load_images(pictures, size=0)


def test_applications_that_leave_the_size_open_get_the_usual_one(pretend):
    picture = Image.new("RGB", (700, 500))
    open_model = pretend((None, None, None, 3), name="MobileNetV3Small")
    images = load_images(picture, open_model)
    assert images.shape == (1, 224, 224, 3)
    assert "size: 224×224, as 'MobileNetV3Small' was trained on" in images.notes[0]
    assert load_images(picture, open_model, size=96).shape == (1, 96, 96, 3)
    xception = pretend((None, None, None, 3), name="xception")
    assert load_images(picture, xception).shape == (1, 299, 299, 3)


def test_channels_first_grey_and_more_channels(folder, pretend, layer):
    first = pretend((None, 3, 8, 6), [layer("Conv2D", data_format="channels_first", weights=[1])])
    images = load_images(folder, first, preprocess="none")
    assert images.shape == (3, 3, 8, 6)
    assert images.inputs[1, :, 0, 0].tolist() == [0, 0, 255]
    grey = load_images(folder, pretend((None, 8, 6, 1)), preprocess="unit")
    assert grey.shape == (3, 8, 6, 1)
    assert np.allclose(grey.inputs[1], 29 / 255)
    with pytest.raises(BadImage, match=r"takes 4 channels.*\.npy"):
        load_images(folder, pretend((None, 8, 6, 4)), preprocess="none")


def test_models_without_one_picture_input_say_so(folder, pretend):
    with pytest.raises(BadInput, match=r"shape \(12,\), which is no picture"):
        load_images(folder, pretend((None, 12)), preprocess="none")
    with pytest.raises(BadInput, match="the model has 2 inputs"):
        load_images(folder, pretend([(None, 8, 8, 3), (None, 4)]), preprocess="none")


def test_pillow_images_are_pictures(pretend, layer):
    model = pretend(layers=[layer("Rescaling", "scale", scale=1 / 255)])
    picture = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    images = load_images([picture, Image.new("L", (9, 3), 7)], model)
    assert images.shape == (2, 8, 8, 3)
    assert images.names == ("0", "1")
    assert images.preprocessing == "none"
    assert images.inputs[0].min() == 255
    assert load_images(picture, model).shape == (1, 8, 8, 3)


def test_words_say_what_was_decided(folder, pretend):
    known = pretend(name="mobilenetv2_1.00_224")
    auto = load_images(folder, known)
    assert auto.preprocessing == "tf"
    assert auto.notes[-1] == (
        "preprocessing: tf (x/127.5 − 1), because 'mobilenetv2_1.00_224' is MobileNetV2 of Keras "
        "Applications"
    )
    assert float(auto.inputs.min()) == -1
    asked = load_images(folder, known, preprocess="unit")
    assert "preprocessing: unit (x/255), as asked" in asked.notes
    assert asked.notes[-1].startswith("hint: values lie in 0…1, which looks like x/255")
    assert "because no model was given" in load_images(folder).notes[-1]
    with pytest.raises(BadInput, match="say it with --preprocess NAME"):
        load_images(folder, pretend())
    with pytest.raises(BadInput, match=r"preprocess='tff' is not known; did you mean 'tf'\?"):
        load_images(folder, known, preprocess="tff")


def test_a_function_may_prepare(folder, pretend):
    def halved(x):
        return x / 2

    images = load_images(folder, pretend(), preprocess=halved)
    assert images.preprocessing == "halved"
    assert images.inputs.max() == 127.5
    with pytest.raises(BadInput, match="preprocessed pictures hold NaN"):
        load_images(folder, pretend(), preprocess=lambda x: x * np.nan)


def test_images_behave_as_a_sequence_and_an_array(folder):
    images = load_images(folder)
    assert len(images) == 3
    one, last, two = images[1], images[-1], images[:2]
    assert isinstance(one, Images)
    assert one.names == ("b",)
    assert last.names == ("c",)
    assert (len(two), two.shape, len(two.display)) == (2, (2, 10, 20, 3), 2)
    assert [part.names[0] for part in images] == ["a", "b", "c"]
    with pytest.raises(IndexError):
        images[3]
    assert np.array_equal(np.asarray(images), images.inputs)
    assert np.asarray(images, dtype=np.float64).dtype == np.float64
    assert "3 × (10, 20, 3)" in repr(images)
    assert load_images(folder, limit=2).names == ("a", "b")


class TestArrays:
    """Arrays are taken as they are, unless something is asked for."""

    def test_as_they_are_with_a_hint(self, pretend):
        array = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3))
        images = load_images(array, pretend(name="vgg16"))
        assert np.allclose(images.inputs, array)
        assert images.preprocessing == "none"
        assert "preprocessing: none, arrays are taken as they are" in images.notes
        unit = load_images(array / 255, pretend(name="vgg16"))
        assert unit.notes[-1].startswith("hint: values lie in 0")
        assert "caffe" in unit.notes[-1]

    def test_asked_preprocessing_is_applied(self, pretend):
        array = np.full((1, 8, 8, 3), 255, np.uint8)
        assert (load_images(array, pretend(), preprocess="tf").inputs == 1).all()

    def test_one_picture_and_grey_ones(self, pretend):
        assert load_images(np.zeros((8, 8, 3)), pretend()).shape == (1, 8, 8, 3)
        assert load_images(np.zeros((5, 8, 8)), pretend((None, 8, 8, 1))).shape == (5, 8, 8, 1)
        assert load_images(np.zeros((8, 8)), pretend((None, 8, 8, 1))).shape == (1, 8, 8, 1)
        assert load_images(np.zeros((7, 9, 3), np.uint8)).shape == (1, 7, 9, 3)

    def test_channels_at_the_other_end_are_turned(self, pretend, layer):
        array = np.random.default_rng(0).uniform(size=(2, 3, 8, 8)).astype(np.float32)
        images = load_images(array, pretend())
        assert np.array_equal(images.inputs, np.moveaxis(array, 1, -1))
        assert "inputs came with channels first and were turned" in images.notes
        first = pretend((None, 3, 8, 8), [layer("Conv2D", data_format="channels_first")])
        assert np.array_equal(load_images(array, first).inputs, array)
        assert load_images(np.moveaxis(array, 1, -1), first).shape == (2, 3, 8, 8)
        assert load_images(array, first).display[0].shape == (8, 8, 3)

    def test_wrong_shapes_are_named(self, pretend):
        with pytest.raises(BadInput, match=r"size 9×8 do not fit the model, which takes 8×8×3"):
            load_images(np.zeros((1, 9, 8, 3)), pretend())
        with pytest.raises(BadInput, match=r"\(8, 8, 5\) do not fit the model, which takes 8×8×3"):
            load_images(np.zeros((1, 8, 8, 5)), pretend())
        with pytest.raises(BadImage, match="holds no pictures"):
            load_images(np.zeros((1, 2, 3, 4, 5)), pretend())
        with pytest.raises(BadImage, match="holds no pictures"):
            load_images(np.zeros((0, 8, 8, 3)), pretend())

    def test_an_asked_size_resizes(self, pretend):
        array = np.random.default_rng(0).uniform(size=(1, 16, 4, 3))
        images = load_images(array, pretend(), size=8)
        assert images.shape == (1, 8, 8, 3)
        assert "inputs resized from 16×4 to 8×8" in images.notes

    def test_nan_is_refused(self, pretend):
        array = np.zeros((3, 8, 8, 3), np.float32)
        array[1, 0, 0, 0] = np.inf
        with pytest.raises(BadInput, match="first in sample 1"):
            load_images(array, pretend())

    @pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1), (0, 255), (-120, 150)])
    def test_what_is_shown_uses_the_whole_range(self, low, high):
        ramp = np.linspace(low, high, 64, dtype=np.float32).reshape(1, 8, 8, 1)
        (picture,) = load_images(np.repeat(ramp, 3, axis=3)).display
        assert picture.dtype == np.uint8
        assert (picture.min(), picture.max()) == (0, 255)

    def test_files_of_arrays(self, tmp_path, pretend):
        array = np.random.default_rng(0).uniform(size=(2, 8, 8, 3)).astype(np.float32)
        np.save(tmp_path / "a.npy", array)
        np.savez(tmp_path / "b.npz", images=array, labels=np.arange(2))
        assert np.array_equal(load_images(tmp_path / "a.npy", pretend()).inputs, array)
        assert np.array_equal(load_images(str(tmp_path / "b.npz"), pretend()).inputs, array)
        assert np.array_equal(load_images([tmp_path / "a.npy"], pretend()).inputs, array)
        with pytest.raises(BadInput, match="2 array files were given: put the samples of all into"):
            load_images([tmp_path / "a.npy", tmp_path / "b.npz"], pretend())
        with pytest.raises(BadInput, match="no picture: load_inputs reads arrays"):
            load_images(tmp_path / "a.npy", pretend((None, 6, 8, 8, 1)))

    def test_lists_of_arrays(self, pretend):
        assert load_images([np.zeros((8, 8, 3))] * 2, pretend()).shape == (2, 8, 8, 3)
        with pytest.raises(BadInput, match="different shapes"):
            load_images([np.zeros((8, 8, 3)), np.zeros((9, 8, 3))], pretend())
        with pytest.raises(BadInput, match="mixes pictures with arrays"):
            load_images([np.zeros((8, 8, 3)), Image.new("RGB", (8, 8))], pretend())


def test_tables_are_sent_elsewhere(tmp_path, folder):
    pandas = pytest.importorskip("pandas")
    with pytest.raises(BadInput, match="use load_inputs for tables"):
        load_images(pandas.DataFrame({"a": [1]}))
    paths = pandas.Series([str(folder / "b.png"), str(folder / "a.jpg")])
    assert load_images(paths).names == ("b", "a")
