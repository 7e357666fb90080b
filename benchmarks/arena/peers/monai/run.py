"""MONAI's BasicUNet: width 32, instance norm, Dice + cross entropy, batches of 4 crops of 256 px, the usual transforms.

AdamW at 1e-3, cosine over the minutes. Objects are learnt as inside and border. The last weights are used.
"""

import math

import numpy as np
import torch
from borders import from_borders, smallest_of, with_borders
from contract import Task, Trained, compete
from monai.data import set_track_meta
from monai.inferers import sliding_window_inference
from monai.losses import DiceCELoss
from monai.networks.nets import BasicUNet
from monai.transforms import (
    Compose,
    NormalizeIntensity,
    RandAdjustContrastd,
    RandAffined,
    RandFlipd,
    RandGaussianNoised,
    RandRotate90d,
    RandScaleIntensityd,
    RandSpatialCropd,
    SpatialPadd,
)
from monai.utils import set_determinism

SIDE, BATCH, RATE = 256, 4, 1e-3
BOTH, MODES = ["image", "label"], ("bilinear", "nearest")
normalised = NormalizeIntensity(channel_wise=True)


def channels_first(image: np.ndarray) -> torch.Tensor:
    planes = image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)
    return normalised(torch.as_tensor(planes.astype(np.float32)))


def transforms(seed: int) -> Compose:
    chain = Compose([
        SpatialPadd(BOTH, (SIDE, SIDE), mode="reflect"),
        RandSpatialCropd(BOTH, (SIDE, SIDE), random_size=False),
        RandFlipd(BOTH, prob=0.5, spatial_axis=0),
        RandFlipd(BOTH, prob=0.5, spatial_axis=1),
        RandRotate90d(BOTH, prob=0.5, max_k=3),
        RandAffined(BOTH, prob=0.3, rotate_range=math.pi, scale_range=0.2, mode=MODES, padding_mode="reflection"),
        RandScaleIntensityd("image", factors=0.25, prob=0.5),
        RandAdjustContrastd("image", prob=0.3, gamma=(0.7, 1.5), retain_stats=True),
        RandGaussianNoised("image", prob=0.3, std=0.1),
    ])  # fmt: skip
    return chain.set_random_state(seed)


def train(task: Task) -> Trained:
    torch.set_num_threads(task.threads)
    set_determinism(task.seed)
    set_track_meta(False)
    is_objects = task.kind == "objects"
    masks = [with_borders(mask) for mask in task.masks] if is_objects else task.masks
    num_classes = 3 if is_objects else task.num_classes
    pairs = [
        {"image": channels_first(image), "label": torch.as_tensor(mask[None].astype(np.float32))}
        for image, mask in zip(task.images, masks, strict=True)
    ]
    net = BasicUNet(2, len(pairs[0]["image"]), num_classes, norm=("instance", {"affine": True}))
    loss_of = DiceCELoss(to_onehot_y=True, softmax=True)
    optimiser = torch.optim.AdamW(net.parameters(), RATE)
    crop, draw, steps = transforms(task.seed), np.random.default_rng(task.seed), 0
    task.clock.start()
    while not task.clock.is_up():
        crops = [crop(pairs[i]) for i in draw.integers(len(pairs), size=BATCH)]
        optimiser.param_groups[0]["lr"] = RATE * (1 + math.cos(math.pi * task.clock.part())) / 2
        optimiser.zero_grad()
        loss = loss_of(net(torch.stack([one["image"] for one in crops])), torch.stack([one["label"] for one in crops]))
        loss.backward()
        optimiser.step()
        steps += 1
    net.eval()
    smallest = smallest_of(task.masks) if is_objects else 0

    @torch.inference_mode()
    def predict(image: np.ndarray) -> np.ndarray:
        logits = sliding_window_inference(channels_first(image)[None], (SIDE, SIDE), BATCH, net, overlap=0.25, mode="gaussian")
        probabilities = logits[0].softmax(0).numpy()
        return from_borders(probabilities, smallest) if is_objects else probabilities.argmax(0)

    return Trained(predict, steps)


if __name__ == "__main__":
    compete(train, "monai", "torch", "numpy")
