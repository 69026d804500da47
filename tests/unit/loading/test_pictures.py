"""Pictures of every kind come out as plain pixels, or as one clear line."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from kerascope.errors import BadImage
from kerascope.loading.pictures import cropped, pixels, read_picture, shown, squeezed


@pytest.fixture
def colours():
    """4 × 6 pixels, left half red, right half blue, one green pixel in the upper left corner."""
    array = np.zeros((4, 6, 3), np.uint8)
    array[:, :3] = (255, 0, 0)
    array[:, 3:] = (0, 0, 255)
    array[0, 0] = (0, 255, 0)
    return array


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tif"])
def test_lossless_formats_keep_every_pixel(tmp_path, colours, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(colours).save(path)
    assert np.array_equal(pixels(read_picture(path), 3), colours)


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_lossy_formats_are_rgb(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (32, 16), (250, 10, 20)).save(path, quality=95)
    values = pixels(read_picture(path), 3)
    assert values.shape == (16, 32, 3)
    assert np.abs(values - [250, 10, 20]).max() < 12


def test_grey_has_equal_channels_and_its_own_luminance(tmp_path):
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4) * 20).save(tmp_path / "g.png")
    picture = read_picture(tmp_path / "g.png")
    assert picture.mode == "L"
    rgb, grey = pixels(picture, 3), pixels(picture, 1)
    assert grey.shape == (3, 4, 1)
    assert np.array_equal(rgb, np.repeat(grey, 3, axis=2))
    assert grey.max() == 220


def test_colour_becomes_luminance_for_grey_models(colours):
    grey = pixels(Image.fromarray(colours), 1)
    assert grey.shape == (4, 6, 1)
    assert grey[1, 0, 0] == 76  # 0.299 · 255
    assert grey[1, 5, 0] == 29  # 0.114 · 255


def test_transparency_is_laid_over_white(tmp_path):
    array = np.zeros((2, 2, 4), np.uint8)
    array[0, 0] = (255, 0, 0, 255)
    array[1, 1] = (0, 0, 0, 128)
    Image.fromarray(array).save(tmp_path / "a.png")
    values = pixels(read_picture(tmp_path / "a.png"), 3)
    assert np.array_equal(values[0, 0], [255, 0, 0])
    assert np.array_equal(values[0, 1], [255, 255, 255])
    assert np.allclose(values[1, 1], 127, atol=1)


def test_grey_with_transparency_stays_grey(tmp_path):
    Image.new("LA", (2, 2), (0, 0)).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    assert picture.mode == "L"
    assert np.asarray(picture).min() == 255


def test_palette_and_its_clear_colour(tmp_path, colours):
    palette = Image.fromarray(colours).quantize(8)
    palette.save(tmp_path / "p.png")
    assert np.array_equal(pixels(read_picture(tmp_path / "p.png"), 3), colours)
    clear = palette.getpixel((5, 0))
    palette.save(tmp_path / "clear.png", transparency=clear)
    values = pixels(read_picture(tmp_path / "clear.png"), 3)
    assert np.array_equal(values[1, 5], [255, 255, 255])
    assert np.array_equal(values[1, 0], [255, 0, 0])


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path):
    array = np.array([[0, 257, 25700], [32896, 65278, 65535]], np.uint16)
    Image.fromarray(array).save(tmp_path / "deep.png")
    values = pixels(read_picture(tmp_path / "deep.png"), 1)[..., 0]
    assert np.allclose(values, array / 257.0)
    assert shown(read_picture(tmp_path / "deep.png"), 64)[1, 2].tolist() == [255, 255, 255]


def test_32_bit_values_are_refused(tmp_path):
    Image.fromarray(np.array([[0, 70000]], np.int32)).save(tmp_path / "d.tif")
    with pytest.raises(BadImage, match=r"'d.tif' holds 32-bit values"):
        read_picture(tmp_path / "d.tif")
    Image.fromarray(np.array([[0.0, 1.0]], np.float32)).save(tmp_path / "f.tif")
    with pytest.raises(BadImage, match=r"'f.tif' holds floating-point values"):
        read_picture(tmp_path / "f.tif")


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "c.jpg", quality=95)
    values = pixels(read_picture(tmp_path / "c.jpg"), 3)
    assert values[..., 0].min() > 230
    assert values[..., 1:].max() < 60


def test_first_frame_of_a_film(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "f.gif", save_all=True, append_images=frames[1:])
    assert pixels(read_picture(tmp_path / "f.gif"), 3)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(("orientation", "corner"), [(3, (-1, -1)), (6, (0, -1)), (8, (-1, 0))])
def test_exif_rotation_is_applied_and_nothing_of_exif_kept(tmp_path, colours, orientation, corner):
    picture = Image.fromarray(colours)
    exif = picture.getexif()
    exif[0x0112] = orientation
    exif[0x010F] = "a camera"
    exif.get_ifd(0x8825)[1] = "N"  # GPS
    picture.save(tmp_path / "a.png", exif=exif)
    upright = read_picture(tmp_path / "a.png")
    assert upright.size == ((4, 6) if orientation in (6, 8) else (6, 4))
    assert pixels(upright, 3)[corner].tolist() == [0, 255, 0]
    assert upright.info == {}
    assert dict(upright.getexif()) == {}


def test_damaged_exif_does_not_matter(tmp_path, colours):
    Image.fromarray(colours).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read_picture(tmp_path / "a.jpg").size == (6, 4)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "bmp"])
def test_truncated_files_are_named(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / f"whole.{suffix}")
    content = (tmp_path / f"whole.{suffix}").read_bytes()
    (tmp_path / f"cut.{suffix}").write_bytes(content[: len(content) // 2])
    with pytest.raises(BadImage, match=rf"^'cut\.{suffix}' .*damaged") as caught:
        read_picture(tmp_path / f"cut.{suffix}")
    assert "\n" not in str(caught.value)


def test_what_is_no_picture_is_named(tmp_path):
    (tmp_path / "letter.jpg").write_text("dear all")
    (tmp_path / "nothing.jpg").write_bytes(b"")
    with pytest.raises(BadImage, match=r"'letter.jpg' is not a picture \(JPEG"):
        read_picture(tmp_path / "letter.jpg")
    with pytest.raises(BadImage, match=r"'nothing.jpg' is empty"):
        read_picture(tmp_path / "nothing.jpg")
    with pytest.raises(BadImage, match="is a folder"):
        read_picture(tmp_path)
    with pytest.raises(BadImage, match=r"'.*gone.jpg' does not exist"):
        read_picture(tmp_path / "gone.jpg")


def test_formats_that_start_programs_are_not_opened(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    with pytest.raises(BadImage, match="is not a picture"):
        read_picture(tmp_path / "a.jpg")


def _png_header(width, height):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("pillow_limit", [None, 1 << 40, 89_478_485])
def test_decompression_bombs_are_refused(tmp_path, monkeypatch, pillow_limit):
    (tmp_path / "bomb.png").write_bytes(_png_header(40_000, 40_000))
    (tmp_path / "warned.png").write_bytes(_png_header(10_000, 9_000))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillow_limit)
    for name in ("bomb.png", "warned.png"):
        with pytest.raises(BadImage, match=rf"'{name}' is .*decompression bomb"):
            read_picture(tmp_path / name)


def test_pictures_read_from_memory_are_not_paths():
    stream = io.BytesIO()
    Image.new("RGB", (3, 3)).save(stream, "PNG")
    assert Image.open(stream).size == (3, 3)  # what load_images is given then is a Pillow image


def test_crop_takes_the_centre_in_the_wanted_proportions():
    array = np.zeros((10, 30, 3), np.uint8)
    array[:, 10:20] = 255
    part = cropped(Image.fromarray(array), 5, 5)
    assert part.size == (10, 10)
    assert np.asarray(part).min() == 255
    tall = cropped(Image.fromarray(array), 10, 5)
    assert tall.size == (5, 10)


def test_squeezing_down_averages_instead_of_skipping():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = np.asarray(squeezed(Image.fromarray(stripes), 8, 8))
    assert abs(float(small.mean()) - 127.5) < 3
    assert small.std() < 10


def test_shown_pictures_are_bounded_and_keep_their_shape(colours):
    big = Image.fromarray(colours).resize((3000, 2000))
    assert shown(big, 1024).shape == (683, 1024, 3)
    small = shown(Image.fromarray(colours), 1024)
    assert np.array_equal(small, colours)
    assert small.flags.writeable
