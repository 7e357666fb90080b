from dataclasses import replace

import numpy as np
import pytest
import torch

from annotate_desk import RECIPE, SIDE, Desk, make_folder
from unseam.annotate.live.kept import Kept

BOX = (0, 0, SIDE, SIDE)


def worked(folder, recipe=RECIPE, turns: int = 40) -> Desk:
    desk = Desk(make_folder(folder), recipe).begin()
    desk.turns(turns)
    return desk


def test_the_picture_is_that_of_before(tmp_path):
    kept, first = Kept(tmp_path / "live" / "weights.safetensors"), worked(tmp_path)
    kept.save(first.trainer.learner, first.trainer.on_screen)
    second = worked(tmp_path, turns=0)
    assert kept.restore(second.trainer.learner, second.trainer.on_screen)
    assert second.trainer.learner.step == first.trainer.learner.step
    np.testing.assert_array_equal(second.trainer.on_screen.look(0, BOX).classes, first.trainer.on_screen.look(0, BOX).classes)
    for name, weight in first.trainer.learner.state.net.state_dict().items():
        torch.testing.assert_close(second.trainer.learner.state.net.state_dict()[name], weight, rtol=0, atol=0)


def damaged(data: bytes) -> list[bytes]:
    return [b"", data[:100], data[: len(data) // 2], b"\xff" * len(data), data[:-4] + b"\xff\xff\xff\xff"]


@pytest.mark.parametrize("number", range(5))
def test_a_damaged_file_is_passed_over(tmp_path, number):
    kept, desk = Kept(tmp_path / "weights"), worked(tmp_path, turns=3)
    kept.save(desk.trainer.learner, desk.trainer.on_screen)
    before = {name: weight.clone() for name, weight in desk.trainer.learner.state.net.state_dict().items()}
    data = kept.path.read_bytes()
    kept.path.write_bytes(damaged(data)[number])
    if not kept.restore(desk.trainer.learner, desk.trainer.on_screen):
        for name, weight in desk.trainer.learner.state.net.state_dict().items():
            torch.testing.assert_close(weight, before[name], rtol=0, atol=0)
    assert all(bool(torch.isfinite(weight).all()) for weight in desk.trainer.learner.state.net.state_dict().values())


def test_weights_of_another_network_are_passed_over(tmp_path):
    kept, desk = Kept(tmp_path / "weights"), worked(tmp_path, turns=3)
    kept.save(desk.trainer.learner, desk.trainer.on_screen)
    other = worked(tmp_path, replace(RECIPE, net=replace(RECIPE.net, first_width=6)), turns=1)
    assert not kept.restore(other.trainer.learner, other.trainer.on_screen)
    assert not Kept(tmp_path / "absent").restore(desk.trainer.learner, desk.trainer.on_screen)
