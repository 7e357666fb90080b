from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.augmentation import cubic, nearest, places_in_image
from unseam.augment import Augment, Elastic, GreyValues, Mirror, Rotate, Scale
from unseam.augment import augment as whole
from unseam.augment.affine import rotation
from unseam.augment.resample import coordinates, sample_cubic, sample_nearest
from unseam.errors import DataError, SizeError

STILL = Augment(elastic=None, rotate=None, mirror=None, scale=None, grey=None)
GEOMETRY = Augment(grey=None)
EVERYTHING = Augment(scale=Scale())


@pytest.fixture
def sample(rng):
    image = rng.random((2, 150, 170), dtype=np.float32)
    classes = rng.choice(np.array([0, 1, 2, 255], np.uint8), (150, 170))
    return image, classes, rng.random((150, 170), dtype=np.float32)


def blobs(height, width):
    """An image that shows its own class map, in discs some 30 px wide."""
    rows, columns = np.mgrid[:height, :width]
    classes = ((np.sin(rows / 9) + np.sin(columns / 11)) > 0).astype(np.uint8)
    return classes[None].astype(np.float32), classes


def arrays(crop):
    """The crop as NumPy sees it, on whatever device it was made."""
    weights = None if crop.weights is None else crop.weights.cpu().numpy()
    return SimpleNamespace(image=crop.image.cpu().numpy(), classes=crop.classes.cpu().numpy(), weights=weights)


def test_the_whole_is_the_plain_reference(sample):
    """Rotation, mirroring, scale, displacement and place, as drawn, through loops over pixels in float64."""
    image, classes, weights = sample
    augment = replace(EVERYTHING, grey=None, elastic=Elastic(sigma=4.0))
    sizes = {"input_size": 40, "output_size": 24}
    crop = arrays(augment(image, classes, weights, centre=(20.3, 140.8), **sizes, rng=np.random.default_rng(5)))
    rng = np.random.default_rng(5)
    matrix = augment.rotate(rng) @ augment.mirror(rng) @ augment.scale(rng)
    places = places_in_image((20.3, 140.8), matrix, augment.elastic(rng), 40)
    for plane, tile in zip(image, crop.image, strict=True):
        np.testing.assert_allclose(tile, cubic(plane, places), atol=1e-4)
    np.testing.assert_array_equal(crop.classes, nearest(classes, places[:, 8:32, 8:32]))
    np.testing.assert_array_equal(crop.weights, nearest(weights, places[:, 8:32, 8:32]))


@pytest.mark.parametrize("size", [40, 41])
@pytest.mark.parametrize(
    "augment", [STILL, replace(STILL, mirror=Mirror()), replace(EVERYTHING, grey=None), replace(STILL, elastic=Elastic(5, 9.0))]
)
def test_a_centre_may_be_chosen_so_that_a_pixel_of_the_tile_is_read_at_a_place(augment, size):
    """By the offset of that pixel, which the plain reference confirms."""
    classes, seen = np.arange(150 * 170, dtype=np.uint32).reshape(150, 170), []

    def centre(geometry):
        seen.append(geometry)
        down, across = geometry.offset(8 + 3, 8 + 19)
        return 70 - down, 90 - across

    image, flat, place = np.zeros((1, 150, 170), np.float32), np.zeros((150, 170), np.uint8), {"centre": centre}
    numbers = classes.astype(np.float32)
    crop = augment(image, flat, numbers, **place, input_size=size, output_size=size - 16, rng=np.random.default_rng(4))
    assert crop.weights[3, 19] == classes[70, 90]
    (geometry,) = seen
    vectors = geometry.vectors if geometry.vectors.size else None
    if augment.elastic is None or augment.elastic.grid == geometry.vectors.shape[1]:
        places = places_in_image((0.0, 0.0), geometry.matrix, vectors, size)
        np.testing.assert_allclose(geometry.offset(11, 27), places[:, 11, 27], atol=1e-4)


@pytest.mark.parametrize("centre", [(74.5, 80.5), (0.5, 0.5), (149.5, 3.5), (-90.5, 400.5)])
@pytest.mark.parametrize("augment", [STILL, replace(STILL, mirror=Mirror())])
def test_the_way_without_interpolation_is_the_general_way_to_the_bit(centre, augment, sample):
    def crop():
        return augment(*sample, centre=centre, input_size=92, output_size=64, rng=np.random.default_rng(1))

    def general(image, maps, centre, matrix, sizes):
        at = whole.coordinates(centre, matrix, np.empty((2, 0, 0), np.float32), np.empty((sizes[0], 0), np.float32))
        return whole.sample_cubic(image, at), whole.sample_nearest(maps, at.centred(sizes[1]))

    fast = crop()
    with patch.object(whole, "_cut_whole_pixels", general):
        slow = crop()
    for name in ("image", "classes", "weights"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name))


NEEDS_CUDA = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]
DEVICES = ["cpu", pytest.param("cuda", marks=NEEDS_CUDA)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("centre", [(74.3, 80.9), (3.2, 160.0)])
@pytest.mark.parametrize(
    "augment", [STILL, replace(STILL, mirror=Mirror()), GEOMETRY, EVERYTHING, replace(EVERYTHING, elastic=Elastic(5, 3.0))]
)
def test_a_crop_of_tensors_is_the_crop_of_the_arrays(augment, centre, device, sample):
    """Made on the device of the sample, from the same numbers; on a CPU to the bit."""
    if device == "cuda":  # it draws noise of its own, and rounds coordinates in another way
        augment = replace(augment, grey=augment.grey and GreyValues(noise=0.0))
    sizes = {"centre": centre, "input_size": 60, "output_size": 40}
    plain = augment(*sample, **sizes, rng=np.random.default_rng(2))
    there = augment(*(torch.from_numpy(part).to(device) for part in sample), **sizes, rng=np.random.default_rng(2))
    assert {part.device.type for part in (there.image, there.classes, there.weights)} == {device}
    if device == "cpu":
        for name in ("image", "classes", "weights"):
            assert torch.isfinite(getattr(there, name)).all()
            np.testing.assert_array_equal(getattr(there, name), getattr(plain, name), name)
        return
    np.testing.assert_allclose(there.image.cpu(), plain.image, atol=2e-4)
    assert (there.classes.cpu() == plain.classes).float().mean() > 0.999
    assert (there.weights.cpu() == plain.weights).float().mean() > 0.999


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_nothing_waits_for_the_gpu(sample):
    on_gpu = [torch.from_numpy(part).cuda() for part in sample]
    for centre in [(74.3, 80.9), (3.2, 160.0)]:
        for augment in (replace(STILL, mirror=Mirror()), EVERYTHING):
            torch.cuda.set_sync_debug_mode("error")
            try:
                augment(*on_gpu, centre=centre, input_size=60, output_size=40, rng=np.random.default_rng(0))
            finally:
                torch.cuda.set_sync_debug_mode("default")


@given(st.integers(-30, 40), st.integers(-30, 40), st.sampled_from([(9, 9), (9, 3), (12, 4), (2, 2), (1, 1)]))
def test_nothing_drawn_is_the_mirrored_crop(row, column, sizes):
    input_size, output_size = sizes
    image = np.arange(15 * 11, dtype=np.float32).reshape(1, 15, 11)
    half = (input_size - 1) / 2
    crop = arrays(
        STILL(
            image,
            image[0].astype(np.uint8),
            centre=(row + half, column + half),
            input_size=input_size,
            output_size=output_size,
            rng=np.random.default_rng(0),
        )
    )
    padded = np.pad(image[0], 60, mode="reflect")
    expected = padded[row + 60 :, column + 60 :][:input_size, :input_size]
    np.testing.assert_array_equal(crop.image[0], expected)
    skip = (input_size - output_size) // 2
    middle = expected[skip : skip + output_size, skip : skip + output_size]
    np.testing.assert_array_equal(crop.classes, middle.astype(np.uint8))


def test_a_crop_between_the_grid_moves_to_the_nearest_place(sample):
    def crop(centre):
        return STILL(*sample, centre=centre, input_size=8, output_size=8, rng=np.random.default_rng(0)).image

    np.testing.assert_array_equal(crop((40.2, 61.9)), crop((40.5, 61.5)))


def test_a_crop_shares_no_memory_with_the_sample(sample):
    for augment in (STILL, GEOMETRY):
        crop = arrays(augment(*sample, centre=(70.5, 70.5), input_size=40, output_size=40, rng=np.random.default_rng(0)))
        for made, given_array in zip((crop.image, crop.classes, crop.weights), sample, strict=True):
            assert not np.shares_memory(made, given_array)
            assert made.flags.c_contiguous


@pytest.mark.parametrize("size", [31, 32])
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_are_numpys(turns, size, sample):
    image, classes, weights = sample

    class Turn(Rotate):
        def __call__(self, rng):
            return np.linalg.matrix_power(np.array([[0.0, 1.0], [-1.0, 0.0]]), turns)

    centre = (69.0, 69.0) if size % 2 else (69.5, 69.5)
    sizes = {"centre": centre, "input_size": size, "output_size": size, "rng": np.random.default_rng(0)}
    turned = arrays(replace(STILL, rotate=Turn())(image, classes, weights, **sizes))
    upright = arrays(STILL(image, classes, weights, **sizes))
    np.testing.assert_array_equal(turned.image, np.rot90(upright.image, turns, axes=(1, 2)))
    np.testing.assert_array_equal(turned.classes, np.rot90(upright.classes, turns))
    np.testing.assert_array_equal(turned.weights, np.rot90(upright.weights, turns))


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.floats(0, 299), st.floats(0, 299))
def test_image_and_labels_move_together(seed, row, column):
    """An image painted in the colours of its labels still shows them."""
    image, classes = blobs(300, 300)
    augment = replace(EVERYTHING, grey=None, elastic=Elastic(sigma=2.5))  # a quarter of the tile, of the displacement
    crop = arrays(
        augment(
            image,
            classes,
            classes.astype(np.float32) + 1,
            centre=(row, column),
            input_size=140,
            output_size=120,
            rng=np.random.default_rng(seed),
        )
    )
    painted = crop.image[0, 10:-10, 10:-10]
    assert ((painted > 0.5) == crop.classes).mean() > 0.985  # a shift by one px would leave 0.96 to 0.98
    np.testing.assert_array_equal(crop.weights, crop.classes + np.float32(1))
    neighbours = np.lib.stride_tricks.sliding_window_view(crop.classes, (7, 7))
    inside = neighbours.min((2, 3)) == neighbours.max((2, 3))
    assert inside.mean() > 0.4
    apart = np.abs(painted - crop.classes)[3:-3, 3:-3][inside]
    assert (apart > 1e-4).mean() < 0.005, "only where the crop's pixels step over the tip of a label"


def test_labels_stand_in_the_middle_of_the_tile(sample):
    """A smaller output tile is the middle of a larger one."""
    crops = [
        GEOMETRY(*sample, centre=(70.2, 70.9), input_size=60, output_size=size, rng=np.random.default_rng(8))
        for size in (60, 20)
    ]
    np.testing.assert_array_equal(crops[0].image, crops[1].image)
    np.testing.assert_array_equal(crops[0].classes[20:40, 20:40], crops[1].classes)


def test_same_generator_same_bits_whatever_came_before_and_however_many_threads(sample):
    def crop(seed):
        return EVERYTHING(*sample, centre=(70.2, 70.9), input_size=100, output_size=60, rng=np.random.default_rng(seed))

    first = crop(4)
    crop(5)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    second = crop(4)
    torch.set_num_threads(threads)
    for name in ("image", "classes", "weights"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert (first.image - crop(5).image).abs().max() > 0.01


def test_torchs_own_generator_is_left_alone(sample):
    before = torch.get_rng_state()
    EVERYTHING(*sample, centre=(70.2, 70.9), input_size=20, output_size=20, rng=np.random.default_rng(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_sample_is_only_read(sample):
    before = [part.copy() for part in sample]
    for part in sample:
        part.flags.writeable = False
    for augment in (STILL, EVERYTHING, Augment(elastic=None, rotate=None, mirror=None)):
        augment(*sample, centre=(10.0, 10.0), input_size=60, output_size=20, rng=np.random.default_rng(0))
    for part, kept in zip(sample, before, strict=True):
        np.testing.assert_array_equal(part, kept)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 40), (3, 40, 1), (1, 2, 3), (5, 30, 30)])
@pytest.mark.parametrize("size", [1, 2, 61, 188])
def test_small_images_fill_a_tile_by_mirroring(shape, size, rng):
    image = rng.random(shape, dtype=np.float32)
    classes = rng.integers(0, 2, shape[1:], dtype=np.uint8)
    crop = arrays(GEOMETRY(image, classes, centre=(shape[1] / 2, shape[2] / 2), input_size=size, output_size=size, rng=rng))
    assert crop.image.shape == (shape[0], size, size)
    assert np.isfinite(crop.image).all()
    assert set(np.unique(crop.classes)) <= set(np.unique(classes))
    if shape[1:] == (1, 1):
        np.testing.assert_allclose(crop.image, image[0, 0, 0], atol=1e-6)


def test_channels_move_together(rng):
    plane = rng.random((1, 90, 90), dtype=np.float32)
    crop = arrays(
        GEOMETRY(
            np.repeat(plane, 4, axis=0),
            np.zeros((90, 90), np.uint8),
            centre=(44.0, 44.0),
            input_size=50,
            output_size=50,
            rng=rng,
        )
    )
    for channel in crop.image[1:]:
        np.testing.assert_array_equal(channel, crop.image[0])


def test_a_large_image_is_read_only_round_the_crop(rng, tmp_path):
    """20 000 px a side on disk, most of it a hole in the file."""
    image = np.memmap(tmp_path / "image", np.float32, "w+", shape=(1, 20_000, 20_000))
    classes = np.memmap(tmp_path / "classes", np.uint8, "w+", shape=(20_000, 20_000))
    piece, labels = blobs(100, 100)
    image[:, 19_000:19_100, 18_000:18_100], classes[19_000:19_100, 18_000:18_100] = piece, labels
    sizes = {"input_size": 40, "output_size": 20}
    near = GEOMETRY(piece, labels, centre=(50.3, 49.8), **sizes, rng=np.random.default_rng(2))
    far = GEOMETRY(image, classes, centre=(19_050.3, 18_049.8), **sizes, rng=np.random.default_rng(2))
    np.testing.assert_allclose(far.image, near.image, atol=1e-5)
    assert (far.classes == near.classes).all()


def test_pixels_move_as_far_as_the_lattice_says(rng):
    """A ramp shows where each pixel was read: the displacement at the lattice's middle point has 10 px deviation."""
    ramp = np.repeat(np.arange(400, dtype=np.float32)[None, :, None], 400, axis=2)
    augment = replace(STILL, elastic=Elastic())
    flat = np.zeros((400, 400), np.uint8)
    moved = [
        augment(ramp, flat, centre=(200.0, 200.0), input_size=101, output_size=1, rng=rng).image[0, 50, 50].item() - 200
        for _ in range(400)
    ]
    assert np.std(moved) == pytest.approx(10, rel=0.1)
    assert abs(np.mean(moved)) < 1.5


def test_two_displacements_add_up():
    """In the order of the fields both are drawn, and each pixel moves by their sum."""
    ramps = np.stack(np.mgrid[:300, :300].astype(np.float32))
    place = {"centre": (150.0, 150.0), "input_size": 41, "output_size": 41}
    parts = [Elastic(3, 4.0), Elastic(5, 2.0)]
    both = replace(STILL, elastic=parts[0], scale=parts[1])
    made = both(ramps, np.zeros((300, 300), np.uint8), **place, rng=np.random.default_rng(3)).image.numpy()
    rng = np.random.default_rng(3)
    moved = sum(part.basis(41) @ part(rng) @ part.basis(41).T for part in parts)
    still = np.stack(np.mgrid[130:171, 130:171])
    np.testing.assert_allclose(made - still, moved, atol=0.06)  # the cubic kernel bends a ramp a little


def test_grey_values_come_last_and_leave_labels_alone(sample):
    at = {"centre": (70.2, 70.9), "input_size": 60, "output_size": 40}
    plain = arrays(GEOMETRY(*sample, **at, rng=np.random.default_rng(3)))
    rng = np.random.default_rng(3)
    varied = arrays(Augment()(*sample, **at, rng=rng))
    np.testing.assert_array_equal(varied.classes, plain.classes)
    np.testing.assert_array_equal(varied.weights, plain.weights)
    rng = np.random.default_rng(3)
    GEOMETRY(*sample, **at, rng=rng)
    GreyValues()(torch.from_numpy(plain.image), rng)
    np.testing.assert_array_equal(varied.image, plain.image)


def test_a_sample_without_weights(sample):
    crop = Augment()(*sample[:2], centre=(9.0, 9.0), input_size=9, output_size=9, rng=np.random.default_rng(0))
    assert crop.weights is None


@pytest.mark.parametrize(("input_size", "output_size"), [(9, 10), (9, 8), (0, 0), (5, 0), (572, 387)])
def test_refuses_tiles_without_a_common_middle(input_size, output_size, sample):
    with pytest.raises(SizeError, match=r"\bpx.*middle.*sizes from the network"):
        STILL(
            *sample,
            centre=(9.0, 9.0),
            input_size=input_size,
            output_size=output_size,
            rng=np.random.default_rng(0),
        )


def test_refuses_a_map_of_another_size(sample):
    with (
        patch.object(whole.Augment, "__call__", whole.Augment.__call__.__wrapped__),
        pytest.raises(DataError, match=r"\(150, 170\) px.*\(150, 169\) px"),
    ):
        STILL(
            sample[0],
            sample[1][:, :-1],
            centre=(9.0, 9.0),
            input_size=3,
            output_size=3,
            rng=np.random.default_rng(0),
        )


def test_refuses_an_empty_image():
    with pytest.raises(DataError, match=r"\(1, 0, 5\)"):
        STILL(
            np.empty((1, 0, 5), np.float32),
            np.empty((0, 5), np.uint8),
            centre=(9.0, 9.0),
            input_size=3,
            output_size=3,
            rng=np.random.default_rng(0),
        )


@pytest.mark.parametrize("centre", [(float("nan"), 0.0), (0.0, float("inf"))])
def test_refuses_a_centre_that_is_no_place(centre, sample):
    with pytest.raises(DataError, match="finite"):
        STILL(*sample, centre=centre, input_size=3, output_size=3, rng=np.random.default_rng(0))


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_whole_pixels_are_those_of_interpolation_at_whole_places(sample, turns, signs):
    image, classes, weights = sample
    matrix = rotation(90.0 * turns).round() @ np.diag(signs)
    tile, maps = whole._cut_whole_pixels(image, [classes, weights], (70.0, 81.0), matrix, (31, 15))
    at = coordinates((70.0, 81.0), matrix, np.zeros((2, 0, 0), np.float32), np.zeros((31, 0), np.float32))
    assert torch.equal(tile, sample_cubic(image, at))
    for found, expected in zip(maps, sample_nearest([classes, weights], at.centred(15)), strict=True):
        assert torch.equal(found, expected)


def test_a_still_crop_shows_pixels_of_the_image(sample):
    image, classes, weights = sample
    augment = replace(EVERYTHING, grey=None, still=1.0)
    turned = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        crop = augment(image, classes, weights, centre=(70.0, 80.0), input_size=30, output_size=10, rng=rng)
        assert np.isin(crop.image.numpy(), image).all()
        turned.add(crop.image.numpy().tobytes())
    assert len(turned) == 8, "four quarter turns, each mirrored or not"


def test_a_share_of_crops_is_still_and_none_without_the_setting(sample):
    image, classes, _ = sample
    augment = replace(EVERYTHING, grey=None, still=0.3)
    sizes = {"centre": (70.0, 80.0), "input_size": 20, "output_size": 8}
    number = sum(
        np.isin(augment(image, classes, **sizes, rng=np.random.default_rng(seed)).image.numpy(), image).all()
        for seed in range(200)
    )
    assert 35 <= number <= 85
    before = replace(EVERYTHING)(image, classes, **sizes, rng=np.random.default_rng(1)).image
    assert torch.equal(before, replace(EVERYTHING, still=0.0)(image, classes, **sizes, rng=np.random.default_rng(1)).image)


def test_a_still_crop_keeps_upright_what_may_not_turn(sample):
    image, classes, _ = sample
    augment = replace(EVERYTHING, grey=None, still=1.0, rotate=Rotate(30.0), mirror=None)
    sizes = {"centre": (70.5, 80.5), "input_size": 20, "output_size": 8}
    crop = augment(image, classes, **sizes, rng=np.random.default_rng(0))
    assert np.array_equal(crop.image.numpy(), image[:, 61:81, 71:91])
