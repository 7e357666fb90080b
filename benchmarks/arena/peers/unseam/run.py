"""The product, from this checkout, with its default recipe."""

import numpy as np
import torch
from contract import Task, Trained, compete

import unseam


def train(task: Task) -> Trained:
    torch.set_num_threads(task.threads)
    kind = "instances" if task.kind == "objects" else "binary" if task.num_classes == 2 else "classes"
    settings = [f"data.masks={kind}", f"training.seed={task.seed}"]
    task.clock.start()
    model = unseam.train(task.images, task.masks, minutes=task.clock.seconds / 60, start="nothing",
        settings=settings, device="cpu")  # fmt: skip

    def predict(image: np.ndarray) -> np.ndarray:
        segmentation = model.predict(image)
        return segmentation.instances if task.kind == "objects" else segmentation.classes

    return Trained(predict, model.info.training.steps)


if __name__ == "__main__":
    compete(train, "torch", "numpy", "scipy", "scikit-image")
