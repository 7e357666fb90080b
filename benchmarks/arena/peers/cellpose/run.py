"""Cellpose 3 from scratch, with the settings of its training notebook: SGD at 0.1, weight decay 1e-4, 8 crops an epoch.

One epoch is timed, then as many as fit follow, with the tool's own learning rate plan for that number. For objects only.
"""

import contextlib

import numpy as np
import torch
from cellpose import models
from cellpose.train import train_seg
from contract import Task, TimeIsUp, Trained, compete

SETTINGS = {"learning_rate": 0.1, "weight_decay": 1e-4, "SGD": True, "batch_size": 8, "min_train_masks": 1}
GREY = [0, 0]


class StopInTime(torch.optim.SGD):
    """Stops the training loop, which cannot be stopped otherwise."""

    clock, steps = None, 0

    def step(self, closure=None):
        if self.clock.is_up():
            raise TimeIsUp
        StopInTime.steps += 1
        return super().step(closure)


def grey(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 2 else image.mean(-1)


def train(task: Task) -> Trained:
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    StopInTime.clock, torch.optim.SGD = task.clock, StopInTime
    model = models.CellposeModel(gpu=False, pretrained_model=False)
    images, masks = [grey(image) for image in task.images], [mask.astype(np.int32) for mask in task.masks]

    def epochs(number: int) -> None:
        train_seg(model.net, images, masks, channels=GREY, n_epochs=number, nimg_per_epoch=max(8, len(images)),
            save_path=task.work, **SETTINGS)  # fmt: skip

    note = "colours as their mean" if task.images[0].ndim == 3 else ""
    # An epoch alone has a learning rate of 0. The first compiles what needs it, the second tells how many the minutes hold.
    task.clock.seconds, budget = float("inf"), task.clock.seconds
    epochs(1)
    begun = task.clock.spent()
    epochs(1)
    each = max(task.clock.spent() - begun, 1e-3)
    task.clock.seconds, StopInTime.steps = budget, 0
    task.clock.start()
    with contextlib.suppress(TimeIsUp):
        epochs(max(1, round(1.2 * budget / each)))  # a fifth too many, so that the clock ends it and not a slow timing
    model.net.eval()
    model.diam_labels = float(model.net.diam_labels.item())

    def predict(image: np.ndarray) -> np.ndarray:
        return model.eval(grey(image), channels=GREY)[0]

    return Trained(predict, StopInTime.steps, note)


if __name__ == "__main__":
    compete(train, "cellpose", "torch", "numpy")
