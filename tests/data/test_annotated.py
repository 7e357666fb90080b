import numpy as np
import pytest
import tifffile
from PIL import Image

from unseam.data.annotated import read_annotated
from unseam.errors import DataError, ImageReadError


def write(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels, **options)
    else:
        Image.fromarray(pixels).save(path)


@pytest.fixture
def arrays(rng):
    images = rng.integers(0, 255, (3, 20, 30)).astype(np.uint8)
    return images, (images > 128).astype(np.uint8) * 255


def test_a_pair_of_files_is_an_annotated_image(tmp_path, arrays):
    images, masks = arrays
    for n in range(3):
        write(tmp_path / f"images/c{n}.tif", images[n])
        write(tmp_path / f"masks/c{n}.png", masks[n])
    told = []
    folder = read_annotated(tmp_path, told.append)
    assert [item.name for item in folder.images] == ["c0", "c1", "c2"]
    for n, item in enumerate(folder.images):
        np.testing.assert_array_equal(item.image, images[n])
        np.testing.assert_array_equal(item.labels, masks[n])
    assert told[0].startswith("3 annotated image(s) in")
    assert "images and masks" in told[0]


def test_a_stack_is_one_annotated_image_a_plane(tmp_path, arrays):
    images, masks = arrays
    write(tmp_path / "images/s.tif", images, imagej=True, metadata={"axes": "ZYX"})
    write(tmp_path / "masks/s.tif", masks, imagej=True, metadata={"axes": "ZYX"})
    folder = read_annotated(tmp_path)
    assert [item.name for item in folder.images] == ["s plane 0", "s plane 1", "s plane 2"]
    assert [item.group for item in folder.images] == ["s", "s", "s"]
    for n, item in enumerate(folder.images):
        np.testing.assert_array_equal(item.image, images[n])
        np.testing.assert_array_equal(item.labels, masks[n])


def test_the_pixel_size_comes_along(tmp_path, arrays):
    images, masks = arrays
    options = {"imagej": True, "resolution": (2.0, 4.0), "metadata": {"unit": "um"}}
    write(tmp_path / "images/a.tif", images[0], **options)
    write(tmp_path / "masks/a.png", masks[0])
    assert read_annotated(tmp_path).images[0].spacing_um == pytest.approx((0.25, 0.5))


def test_what_nnunet_declares_comes_along(tmp_path, arrays):
    images, masks = arrays
    write(tmp_path / "imagesTr/a_0000.png", images[0])
    write(tmp_path / "labelsTr/a.png", masks[0] // 255)
    (tmp_path / "dataset.json").write_text('{"labels": {"background": 0, "cell": 1, "ignore": 2}}')
    folder = read_annotated(tmp_path)
    assert folder.classes == ((0, "background"), (1, "cell"))
    assert folder.ignore == 2


def test_a_note_is_told_once(tmp_path, arrays):
    images, masks = arrays
    for n in range(3):
        write(tmp_path / f"images/c{n}.png", images[n])
        write(tmp_path / f"masks/c{n}.png", np.repeat(masks[n][..., None], 3, axis=-1))
    told = []
    read_annotated(tmp_path, told.append)
    assert sum("colours are all grey" in sentence for sentence in told) == 1


def test_sizes_that_differ_name_both_files(tmp_path, arrays):
    images, masks = arrays
    write(tmp_path / "images/a.png", images[0])
    write(tmp_path / "masks/a.png", masks[0][:-1])
    with pytest.raises(DataError, match=r"images/a\.png has 20 x 30 px, its mask .*masks/a\.png 19 x 30"):
        read_annotated(tmp_path)


def test_a_broken_file_is_named(tmp_path, arrays):
    images, masks = arrays
    write(tmp_path / "images/a.png", images[0])
    write(tmp_path / "masks/a.png", masks[0])
    data = (tmp_path / "images/a.png").read_bytes()
    (tmp_path / "images/a.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageReadError, match=r"images/a\.png"):
        read_annotated(tmp_path)


def test_frames_of_a_sequence_belong_together(tmp_path, arrays):
    images, masks = arrays
    for name, image, mask in zip(("t000", "t001", "other"), images, masks, strict=True):
        write(tmp_path / f"images/{name}.tif", image)
        write(tmp_path / f"masks/{name}.png", mask)
    groups = {item.name: item.group for item in read_annotated(tmp_path).images}
    assert groups == {"t000": "t", "t001": "t", "other": "other"}
