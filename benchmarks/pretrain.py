"""Train the networks that ship: nuclei, cells, and general, the start of other trainings.

    python benchmarks/pretrain.py DATA... --network nuclei
    python benchmarks/pretrain.py DATA... --network general --leave-out dsb2018 --steps 8000

DATA are folders of sets, each with ``images`` and ``masks``; the table in pretrain_sets.py says what each set is, who made it
and under which licence, and what of it is held out. A folder that the table does not name is not used. The length is counted
in steps, so that the weights depend on the seed and the hardware alone, and not on what else the computer does. Model and
scores on what training did not see go to --out. Sets that are left out are scored too, all their images.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "arena"))

import torch

from common import facts, write_json
from pretrain_data import SetOfImages, prepare_set, read_set
from pretrain_page import write_page
from pretrain_release import record_of, release_of, save
from pretrain_scores import score_network
from pretrain_sets import SETS, PretrainingSet, sets_of
from pretrain_training import ALL_OBJECTS, part_of, several_layers, train, with_one_layer
from unseam.augment import Scale
from unseam.data.prepare import Prepared
from unseam.nets import UNet
from unseam.recipes import recipe_named
from unseam.recipes.run import Run

OBJECT_PX = 24.0
"""Median diameter of the objects in every image of nuclei and cells, px."""

STEPS = {"nuclei": 20_000, "cells": 15_000, "general": 20_000}
START = "general"
RESULTS = Path(__file__).resolve().parent / "results"


def recipe(seed: int, output_size: int, resolution: str, *, is_start: bool) -> Run:
    """The default recipe, at a fixed resolution; a network that predicts knows the size of objects to about a third."""
    run = recipe_named("default")
    scale = run.augment.scale if is_start else Scale(low=0.65, high=1.5)
    return replace(
        run,
        net=replace(run.net, resolution=resolution),
        augment=replace(run.augment, scale=scale),
        training=replace(run.training, seed=seed, output_size=output_size),
    )


def find_folders(data: list[Path]) -> dict[str, Path]:
    """The folders of sets by name: DATA themselves, or those in them."""
    found = {}
    for folder in data:
        places = [folder] if (folder / "images").is_dir() else sorted(folder.iterdir())
        found |= {place.name: place for place in places if (place / "images").is_dir()}
    for name in sorted(set(found) - {one.name for one in SETS}):
        print(f"{name}: not in the table of pretrain_sets.py, so not used")
    return found


def layers_of(about: PretrainingSet, network: str) -> tuple[str, ...]:
    """The last layers that learn from a set. A start has one for each set, and one for all objects."""
    if network != START:
        return (ALL_OBJECTS,)
    return (about.name,) if about.kind in ("classes", "dense") else (ALL_OBJECTS, about.name)


def pretrain(sets: list[SetOfImages], run: Run, network: str, steps: int) -> tuple[UNet, dict[str, Prepared], float]:
    """Train the network of some sets: the trunk with the layer of all objects, what it learnt from, and the seconds."""
    object_px = None if network == START else OBJECT_PX
    prepared = {one.about.name: prepare_set(one, object_px, run.weight_map, tell) for one in sets}
    numbers = {name: prepared[one.about.name].num_logits for one in sets for name in layers_of(one.about, network)}
    torch.manual_seed(run.training.seed)
    net = several_layers(replace(run.net, num_classes=2), numbers)
    parts = [part_of(prepared[one.about.name], run, net, layers_of(one.about, network), one.about.weight) for one in sets]
    state = train(parts, net, run, steps, tell)
    judged = state.judged
    assert isinstance(judged, UNet)
    return with_one_layer(judged, ALL_OBJECTS), prepared, state.seconds


def tell(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+", metavar="DATA")
    parser.add_argument("--network", choices=tuple(STEPS), required=True)
    parser.add_argument("--leave-out", default="", help="sets that training does not see, with their relatives: A,B")
    parser.add_argument("--steps", type=int, help="as many as the table of this file says")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output-size", type=int, default=260)
    parser.add_argument("--resolution", choices=("half", "full"), default="half")
    parser.add_argument("--no-scores", action="store_true", help="only train")
    parser.add_argument("--only-scores", action="store_true", help="score the model in --out")
    parser.add_argument("--out", type=Path, default=Path("build/pretrain"))
    return parser.parse_args()


def main() -> int:
    options = arguments()
    left_out = tuple(name for name in options.leave_out.split(",") if name)
    steps = options.steps or STEPS[options.network]
    about = facts("torch", "numpy", "scipy", "scikit-image")
    folders = find_folders(options.data)
    wanted = sets_of(options.network, left_out)
    for one in wanted:
        if one.name not in folders:
            tell(f"{one.name}: not in DATA, so the network will not know it")
    sets = [read_set(folders[one.name], one) for one in wanted if one.name in folders]
    run = recipe(options.seed, options.output_size, options.resolution, is_start=options.network == START)
    name = "-".join([options.network, *(f"without-{one}" for one in left_out)])
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / f"{name}.safetensors"
    object_px = None if options.network == START else OBJECT_PX
    if not options.only_scores:
        net, prepared, seconds = pretrain(sets, run, options.network, steps)
        record = record_of(run, prepared, steps, seconds, about["versions"])
        save(file, net, run, record, release_of(options.network, sets, object_px, seconds, about))
        tell(f"{file}: {steps} steps in {seconds:.0f} s")
    if options.network != START and not options.no_scores:
        unseen = [one for one in sets_of(options.network) if one not in wanted and one.name in folders]
        scores = score_network(file, sets, [read_set(folders[one.name], one) for one in unseen], OBJECT_PX, tell)
        write_json(options.out / f"{name}.json", {"network": name, "steps": steps, **scores, **about})
        write_page(options.out, RESULTS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
