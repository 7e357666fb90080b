"""nnU-Net 2 with its own plan, or with its plan for 1 GB (--plan 1gb): the own one takes most of a minute a step on two cores.

The optimiser, the augmentation and the loss are its own; the learning rate falls to 0 over the minutes instead of 1,000 epochs.
All training images train, and the last weights predict, over four mirrorings. Objects are learnt as inside and border.
"""

import json
import os
import random

import numpy as np
import tifffile
import torch
from borders import from_borders, smallest_of, with_borders
from contract import Task, Trained, arguments, compete

OPTIONS = arguments()
WORK = OPTIONS.out / "work"
os.environ |= {f"nnUNet_{name}": str(WORK / name) for name in ("raw", "preprocessed", "results")}
os.environ |= {"nnUNet_n_proc_DA": str(OPTIONS.threads), "nnUNet_def_n_proc": "1", "nnUNet_compile": "f"}

from nnunetv2.experiment_planning.plan_and_preprocess_api import (  # noqa: E402 - reads its folders when it is imported
    extract_fingerprints,
    plan_experiment_dataset,
)
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor  # noqa: E402
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer  # noqa: E402
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager  # noqa: E402

NAME, NUMBER = "Dataset001_arena", 1
MEMORY_GB = {"own": None, "1gb": 1}


class Trainer(nnUNetTrainer):
    """Its own, without its plan of the learning rate, which counts epochs (and does not start with this torch)."""

    def configure_optimizers(self):
        weights = self.network.parameters()
        return torch.optim.SGD(weights, self.initial_lr, 0.99, weight_decay=self.weight_decay, nesterov=True), None


def write_dataset(task: Task, masks: list[np.ndarray], names: list[str]) -> dict:
    raw = WORK / "raw" / NAME
    for part in ("imagesTr", "labelsTr"):
        (raw / part).mkdir(parents=True)
    (WORK / "preprocessed" / NAME).mkdir(parents=True)
    for i, (image, mask) in enumerate(zip(task.images, masks, strict=True)):
        tifffile.imwrite(raw / "imagesTr" / f"c{i:03}_0000.tif", image)
        tifffile.imwrite(raw / "labelsTr" / f"c{i:03}.tif", mask.astype(np.uint8))
    channels = ["grey"] if task.images[0].ndim == 2 else ["R", "G", "B"]
    about = {
        "channel_names": {str(i): name for i, name in enumerate(channels)},
        "labels": {name: i for i, name in enumerate(names)},
        "numTraining": len(masks),
        "file_ending": ".tif",
        "overwrite_image_reader_writer": "NaturalImage2DIO",
    }
    (raw / "dataset.json").write_text(json.dumps(about), encoding="utf-8")
    (WORK / "preprocessed" / NAME / "dataset.json").write_text(json.dumps(about), encoding="utf-8")
    return about


def train(task: Task) -> Trained:
    torch.set_num_threads(task.threads)
    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(task.seed)
    is_objects = task.kind == "objects"
    masks = [with_borders(mask) for mask in task.masks] if is_objects else task.masks
    names = ["background", *(f"class_{k}" for k in range(1, 3 if is_objects else task.num_classes))]
    about = write_dataset(task, masks, names)
    extract_fingerprints([NUMBER], num_processes=1, verbose=False)
    plans, plans_name = plan_experiment_dataset(NUMBER, gpu_memory_target_in_gb=MEMORY_GB[task.plan])
    preprocessor = PlansManager(plans).get_configuration("2d").preprocessor_class(verbose=False)
    preprocessor.run(NUMBER, "2d", plans_name, num_processes=1)
    trainer = Trainer(plans, "2d", "all", about, device=torch.device("cpu"))
    # Crops are drawn in this process: others would need cores of their own. Planning refuses 0, hence not before.
    os.environ |= {"nnUNet_n_proc_DA": "0"}
    trainer.on_train_start()
    trainer.network.train()
    steps = 0
    task.clock.start()
    while not task.clock.is_up():
        for group in trainer.optimizer.param_groups:
            group["lr"] = trainer.initial_lr * (1 - task.clock.part()) ** 0.9
        trainer.train_step(next(trainer.dataloader_train))
        steps += 1
    trainer.set_deep_supervision_enabled(False)
    predictor = nnUNetPredictor(device=torch.device("cpu"), perform_everything_on_device=False, allow_tqdm=False)
    predictor.manual_initialization(trainer.network, trainer.plans_manager, trainer.configuration_manager,
        [trainer.network.state_dict()], about, "nnUNetTrainer", trainer.inference_allowed_mirroring_axes)  # fmt: skip
    trainer.network.eval()
    smallest = smallest_of(task.masks) if is_objects else 0

    def predict(image: np.ndarray) -> np.ndarray:
        planes = image[None, None] if image.ndim == 2 else np.moveaxis(image, -1, 0)[:, None]
        found, probabilities = predictor.predict_single_npy_array(
            planes.astype(np.float32), {"spacing": (999, 1, 1)}, None, None, True
        )
        return from_borders(probabilities[:, 0], smallest) if is_objects else found[0]

    plan = trainer.configuration_manager
    size = " x ".join(map(str, plan.patch_size))
    return Trained(predict, steps, f"plan: {plan.batch_size} crops of {size} px")


if __name__ == "__main__":
    compete(train, "nnunetv2", "torch", "numpy")
