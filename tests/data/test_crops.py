import threading

import numpy as np
import pytest
import torch

from unseam.augment import Augment
from unseam.data import crops as data_crops
from unseam.data.crops import Crops, make_ahead
from unseam.data.sample import Sample
from unseam.data.split import split
from unseam.errors import TrainingError
from unseam.nets import UNetConfig
from unseam.shapes import IGNORE

GEOMETRY = UNetConfig(first_width=2, depth=2).build().geometry
STILL = Augment(elastic=None, rotate=None, mirror=None, scale=None, grey=None)


def sample(name: str = "a", height: int = 50, width: int = 60, seed: int = 0, value: float = 0.0) -> Sample:
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 2, (height, width)).astype(np.uint8)
    image = rng.random((1, height, width), np.float32) + np.float32(value)
    return Sample(name, image, classes, rng.random((height, width), np.float32) + 1)


def crops(samples: list[Sample], augment: Augment | None = None, **settings: int) -> Crops:
    chosen = {"output_size": 20, "batch_size": 2, "seed": 0} | settings
    return Crops(samples, augment or Augment(), GEOMETRY, **chosen)


def equal(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_batch_has_the_sizes_of_the_network():
    made = crops([sample()], output_size=17, batch_size=3)
    images, classes, weights = made.batch(0)
    assert images.shape == (3, 1, made.input_size, made.input_size)
    assert classes.shape == weights.shape == (3, made.output_size, made.output_size)
    assert made.output_size >= 17
    assert made.input_size == GEOMETRY.input_for_output(17)
    assert (images.dtype, classes.dtype, weights.dtype) == (torch.float32, torch.uint8, torch.float32)


def test_a_batch_is_a_function_of_seed_and_step_and_nothing_else():
    made = crops([sample(), sample("b", seed=1)])
    fifth = made.batch(5)
    np.random.seed(1)  # noqa: NPY002 the global generator must not matter
    torch.manual_seed(1)
    made.batch(4)
    assert equal(made.batch(5), fifth)
    assert equal(crops([sample(), sample("b", seed=1)]).batch(5), fifth)
    assert not equal(made.batch(6), fifth)
    assert not equal(crops([sample(), sample("b", seed=1)], seed=1).batch(5), fifth)


@pytest.mark.parametrize("augment", [STILL, Augment()])
def test_batches_of_images_kept_on_a_device_are_those_of_the_arrays(augment, monkeypatch):
    """The way of a GPU, walked on the CPU: there it is the same to the bit."""
    samples = [sample(), sample("b", seed=1)]
    for one in samples:
        one.image.flags.writeable = False
    from_arrays = crops(samples, augment)
    monkeypatch.setattr(data_crops, "has_room", lambda samples, device: device is not None)
    kept = Crops(samples, augment, GEOMETRY, 20, 2, 0, torch.device("cpu"))
    assert isinstance(kept._planes[0][0], torch.Tensor)
    for step in range(4):
        assert equal(kept.batch(step), from_arrays.batch(step))


def test_images_are_kept_on_a_gpu_whose_free_memory_is_twice_theirs(monkeypatch):
    size = 50 * 60 * (4 + 1 + 4)
    gpu = torch.device("cuda")
    for free, is_kept in [(2 * size, True), (2 * size - 1, False)]:
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free: (free, 10**9))
        assert data_crops.has_room([sample()], gpu) is is_kept
    assert not data_crops.has_room([sample()], torch.device("cpu"))
    assert not data_crops.has_room([sample()], None)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_batches_lie_there():
    made = Crops([sample()], Augment(), GEOMETRY, 20, 2, 0, torch.device("cuda"))
    assert {part.device.type for part in made.batch(0)} == {"cuda"}
    assert equal(made.batch(3), made.batch(3))


def test_the_crops_of_a_batch_differ_and_do_not_depend_on_its_size():
    two, three = crops([sample()]).batch(3), crops([sample()], batch_size=3).batch(3)
    assert not torch.equal(two[0][0], two[0][1])
    assert torch.equal(two[0], three[0][:2])


def test_made_ahead_is_made_directly():
    made = crops([sample()])
    stream = make_ahead(made.batch, 7)
    for step in range(7, 12):
        assert equal(next(stream), made.batch(step))
    stream.close()


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_however_far_ahead_the_order_is_kept(ahead):
    stream = make_ahead(lambda step: step * step, 3, ahead)
    assert [next(stream) for _ in range(6)] == [9, 16, 25, 36, 49, 64]
    stream.close()


def test_a_failure_is_raised_where_its_result_would_have_been():
    def make(step: int) -> int:
        if step == 2:
            raise ValueError("no crop 2")
        return step

    stream = make_ahead(make, 0)
    assert [next(stream), next(stream)] == [0, 1]
    with pytest.raises(ValueError, match="no crop 2"):
        next(stream)


@pytest.mark.parametrize("failure", [MemoryError, KeyboardInterrupt, SystemExit])
def test_whatever_is_raised_in_the_thread_arrives(failure):
    """No memory there is no memory; and nothing may end the thread without a word, or training would wait for ever."""

    def make(step: int) -> int:
        raise failure("no crop")

    with pytest.raises(failure, match="no crop"):
        next(make_ahead(make, 0))


def test_a_thread_that_hangs_is_noticed_and_holds_nothing_up(monkeypatch):
    monkeypatch.setattr("unseam.data.crops._LAST_SECONDS", 0.1)
    hangs = threading.Event()

    def make(step: int) -> int:
        if step == 8:
            hangs.wait()
        return step

    stream = make_ahead(make, 7, patience=1)
    assert next(stream) == 7
    with pytest.raises(TrainingError, match=r"step 8 .*1 seconds.*--resume"):
        next(stream)
    hangs.set()


def test_no_thread_is_left_when_the_stream_is_closed():
    before = threading.active_count()
    stream = make_ahead(lambda step: step, 0)
    next(stream)
    assert threading.active_count() > before
    stream.close()
    assert threading.active_count() == before


def test_the_middle_of_a_crop_is_annotated_even_where_little_is():
    one = sample(height=80, width=90)
    sparse = np.full_like(one.classes, IGNORE)
    sparse[40, 17] = 1
    sparse[3, 80] = 0
    made = crops([Sample("sparse", one.image, sparse, one.weights)], STILL, batch_size=1)
    for step in range(20):
        _, classes, _ = made.batch(step)
        middle = classes[0, made.output_size // 2 - 1 : made.output_size // 2 + 2]
        assert (middle[:, made.output_size // 2 - 1 : made.output_size // 2 + 2] != IGNORE).any()


def test_images_are_drawn_by_how_much_of_them_is_annotated():
    full, quarter, none = (sample(name, value=10.0 * n) for n, name in enumerate("abc"))
    some = quarter.classes.copy()
    some[:, 15:] = IGNORE
    empty = np.full_like(none.classes, IGNORE)
    made = crops(
        [full, Sample("b", quarter.image, some, full.weights), Sample("c", none.image, empty, full.weights)],
        STILL, batch_size=1,
    )  # fmt: skip
    drawn = np.bincount([int(made.batch(step)[0].mean() // 10) for step in range(250)], minlength=3)
    assert drawn[2] == 0
    assert drawn[1] / 250 == pytest.approx(0.2, abs=0.08)


@pytest.mark.parametrize("number", [1, 3, 6])
def test_what_is_held_out_is_never_in_a_crop(number):
    """Class 3 is painted over what is held out, after the split has been made."""
    whole = [sample(f"s{n}", seed=n) for n in range(number)]
    held = {h.sample.name: h.window for h in split(whole, 0.3, 0).validation}
    assert held
    training = []
    for one in whole:
        window = held.get(one.name)
        if window is None:
            training.append(one)
            continue
        classes = one.classes.copy()
        classes[window.slices] = 3
        training.append(Sample(one.name, one.image, classes, one.weights).without(window))
    made = crops(training, batch_size=1)
    seen = torch.cat([made.batch(step)[1].flatten() for step in range(30)])
    assert set(seen.unique().tolist()) <= {0, 1, IGNORE}


def test_an_image_smaller_than_the_input_is_mirrored():
    made = crops([sample(height=5, width=3)], STILL)
    images, classes, _ = made.batch(0)
    assert torch.isfinite(images).all()
    assert classes.shape[-1] == made.output_size


def test_the_thread_computes_on_one_core_and_nobody_else_does():
    """Two teams of threads that spin on the same cores slow each other down."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        stream = make_ahead(lambda _: torch.get_num_threads(), 0)
        assert next(stream) == 1
        assert torch.get_num_threads() == 3
        found: list[int] = []
        other = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        other.start()
        other.join()
        assert found == [3], "threads that a program starts later are not ours to limit"
        stream.close()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
