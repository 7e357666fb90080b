import numpy as np
import pytest
import torch

from unseam.engines.base import Engine
from unseam.engines.cuda_graph import GraphEngine
from unseam.engines.torch_engine import TorchEngine
from unseam.nets import UNetConfig

NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
DTYPES = [torch.float32, torch.bfloat16, torch.float64]


def engines(device: str, dtype: torch.dtype) -> tuple[TorchEngine, GraphEngine]:
    torch.manual_seed(0)
    plain = TorchEngine(UNetConfig(first_width=4, depth=2).build().to(dtype if dtype == torch.float64 else None), device, dtype)
    return plain, GraphEngine(plain)


def tile(size: int, rng: np.random.Generator) -> np.ndarray:
    return rng.random((1, size, size)).astype(np.float32)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_recorded_computes_what_the_engine_computes(dtype, rng):
    """On the CPU: weights converted once, instead of at each use, give the same logits."""
    plain, graph = engines("cpu", dtype)
    given = tile(60, rng)
    with torch.inference_mode():
        logits = graph.logits(torch.from_numpy(given)[None])[0].numpy()
    expected = plain(given)
    assert logits.dtype == expected.dtype
    np.testing.assert_array_equal(logits, expected)


def test_off_a_gpu_it_is_the_engine_itself(rng):
    plain, graph = engines("cpu", torch.float32)
    assert isinstance(graph, Engine)
    assert (graph.geometry, graph.num_classes, str(graph)) == (plain.geometry, 2, str(plain))
    for size in (60, 60, 60, 64):
        given = tile(size, rng)
        np.testing.assert_array_equal(graph(given), plain(given))


def test_the_engine_keeps_its_weights(rng):
    plain, _ = engines("cpu", torch.bfloat16)
    assert {weight.dtype for weight in plain.net.parameters()} == {torch.float32}


@pytest.mark.gpu
@NEEDS_CUDA
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_recording_gives_the_logits_of_the_engine(dtype, rng):
    plain, graph = engines("cuda", dtype)
    for size in (60, 60, 60, 64, 64, 60, 68, 68, 60, 68, 64):
        given = tile(size, rng)
        np.testing.assert_allclose(graph(given), plain(given), rtol=1e-2 if dtype == torch.bfloat16 else 1e-4, atol=1e-2)
    assert len(graph._recordings) <= graph.max_recordings


@pytest.mark.gpu
@NEEDS_CUDA
def test_only_what_comes_again_is_recorded(rng):
    _, graph = engines("cuda", torch.float32)
    for size in (60, 64, 60, 64):
        graph(tile(size, rng))
    assert not graph._recordings
    for _ in range(2):
        graph(tile(68, rng))
    assert [size[1] for size in graph._recordings] == [68]
