"""StarDist with the settings and the augmentation of its example notebook; for objects only.

32 rays, grid 2, batches of 4 crops of 256 px. One image in seven, at least one, chooses weights and thresholds; of a single
image, that image. The notebook chooses weights every 100 steps; here it is every 20, since minutes hold few steps.
"""

import numpy as np
import tensorflow as tf
from contract import Task, Trained, compete
from csbdeep.utils import normalize
from keras.callbacks import Callback
from stardist.models import Config2D, StarDist2D

SIDE, STEPS = 256, 20


class StopInTime(Callback):
    def __init__(self, clock) -> None:
        super().__init__()
        self.clock, self.steps = clock, 0

    def on_train_begin(self, logs=None) -> None:
        self.clock.start()

    def on_train_batch_end(self, batch, logs=None) -> None:
        self.steps += 1
        if self.clock.is_up():
            self.model.stop_training = True


def augmenter(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flips, right angles, brightness and noise: the notebook's."""
    turns = np.random.randint(4)  # noqa: NPY002 - the tool seeds this generator
    image, mask = np.rot90(image, turns), np.rot90(mask, turns)
    for axis in (0, 1):
        if np.random.rand() > 0.5:  # noqa: NPY002
            image, mask = np.flip(image, axis), np.flip(mask, axis)
    image = image * np.random.uniform(0.6, 2) + np.random.uniform(-0.2, 0.2)  # noqa: NPY002
    return image + 0.02 * np.random.uniform(0, 1) * np.random.normal(0, 1, image.shape), mask  # noqa: NPY002


def train(task: Task) -> Trained:
    tf.config.threading.set_intra_op_parallelism_threads(task.threads)
    tf.keras.utils.set_random_seed(task.seed)
    images = [normalize(image, 1, 99.8, axis=(0, 1)) for image in task.images]
    masks = [mask.astype(np.int32) for mask in task.masks]
    order = np.random.default_rng(task.seed).permutation(len(images))
    num_chosen = max(1, len(images) // 7) if len(images) > 1 else 0
    choosing, learning = (order[:num_chosen], order[num_chosen:]) if num_chosen else (order, order)
    side = min(SIDE, *(min(image.shape[:2]) // 16 * 16 for image in images))
    channels = 1 if images[0].ndim == 2 else images[0].shape[-1]
    config = Config2D(n_rays=32, grid=(2, 2), n_channel_in=channels, train_patch_size=(side, side), train_batch_size=4,
        use_gpu=False, train_tensorboard=False)  # fmt: skip
    model = StarDist2D(config, name="arena", basedir=str(task.work))
    model.prepare_for_training()
    stop = StopInTime(task.clock)
    model.callbacks.append(stop)
    held_out = [images[i] for i in choosing], [masks[i] for i in choosing]
    model.train([images[i] for i in learning], [masks[i] for i in learning], validation_data=held_out,
        augmenter=augmenter, seed=task.seed, epochs=10_000, steps_per_epoch=STEPS)  # fmt: skip
    model.optimize_thresholds(*held_out)

    def predict(image: np.ndarray) -> np.ndarray:
        stretched = normalize(image, 1, 99.8, axis=(0, 1))
        return model.predict_instances(stretched, n_tiles=model._guess_n_tiles(stretched))[0]

    return Trained(predict, stop.steps)


if __name__ == "__main__":
    compete(train, "stardist", "tensorflow-cpu", "numpy")
