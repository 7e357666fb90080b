"""``auto`` takes bfloat16 where this machine computes faster in it, whatever the processor promises."""

import os
import platform
import subprocess
import sys

import pytest
import torch

from unseam.engines import bfloat16, describe_choice, precision, settle_precision
from unseam.engines.bfloat16 import bfloat16_speed

CPU = torch.device("cpu")


@pytest.mark.parametrize(("speed", "chosen"), [(0.55, "float32"), (1.05, "float32"), (1.8, "bfloat16")])
def test_the_measured_speed_decides_and_not_the_flags(speed, chosen, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True, "amx_bf16": True})
    monkeypatch.setattr(precision, "bfloat16_speed", lambda: speed)
    assert settle_precision("auto", CPU) == chosen
    assert describe_choice(CPU) == f"computing in {chosen}: bfloat16 is {speed:.2g} times as fast as float32 here (measured)"


@pytest.mark.parametrize("named", ["float32", "bfloat16"])
def test_a_named_format_is_not_measured(named, monkeypatch):
    monkeypatch.setattr(precision, "bfloat16_speed", lambda: pytest.fail("measured"))
    assert settle_precision(named, CPU) == named


def test_the_measurement_leaves_no_trace():
    bfloat16_speed.cache_clear()
    torch.manual_seed(4)
    before = torch.get_num_threads(), torch.get_rng_state(), torch.is_inference_mode_enabled()
    assert 0.01 < bfloat16_speed() < 100
    assert torch.get_num_threads() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert torch.is_inference_mode_enabled() == before[2]


def test_it_is_measured_once_a_process(monkeypatch):
    speed = bfloat16_speed()
    monkeypatch.setattr(bfloat16, "_seconds", lambda job: pytest.fail("measured again"))
    assert bfloat16_speed() == speed


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the library's switch is one of these processors")
def test_emulated_bfloat16_is_not_taken():
    """PyTorch's library of convolutions computes as on a processor of 2013, which has no bfloat16."""
    code = "import torch; from unseam.engines import settle_precision; print(settle_precision('auto', torch.device('cpu')))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "float32"
