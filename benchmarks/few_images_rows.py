"""The data sets of ``few_images.py``, how each is split, and the rows of its table."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unseam.recipes import recipe_named

Stems = list[str]


def of_animals(stems: Stems) -> tuple[Stems, Stems]:
    train = ["sub-rat1_sample-data1_SEM", "sub-rat5_sample-data14_SEM"]
    animals = [stem for stem in stems if stem.startswith("sub-rat")]
    return train, [stem for stem in animals if not stem.startswith(("sub-rat1_", "sub-rat5_"))]


def of_phase(_: Stems) -> tuple[Stems, Stems]:
    test = [f"train_set{n:02}" for n in (5, 15, 25, 35, 45)] + [f"val_set{n}" for n in (46, 48, 50)]
    return [f"train_set{n:02}" for n in (1, 11, 21, 31)], test


def of_slices(_: Stems) -> tuple[Stems, Stems]:
    return [f"{n:02}" for n in range(18)], [f"{n:02}" for n in range(18, 24)]


def of_nuclei(stems: Stems) -> tuple[Stems, Stems]:
    fluorescence = [stem for stem in stems if stem.startswith("fluo_")]
    chosen = [fluorescence[i] for i in np.random.default_rng(2018).permutation(len(fluorescence))[:58]]
    return sorted(chosen[:8]), sorted(chosen[8:])


@dataclass(frozen=True)
class DataSet:
    name: str
    kind: str
    split: Callable[[Stems], tuple[Stems, Stems]]
    columns: tuple[tuple[str, str], ...]
    about: str
    credit: str = ""  # of data whose pictures may be passed on
    cell_class: int = 1


@dataclass(frozen=True)
class Row:
    name: str
    data: DataSet
    change: str = "the default recipe"
    overrides: tuple[str, ...] = ()
    is_part: bool = False
    num_train: int | None = None


OBJECTS = (("seg", "SEG"), ("f1", "F1"))
AXON = DataSet("axon-sem", "classes", of_animals,
    (("iou_class_1", "IoU myelin"), ("iou_class_2", "IoU axon"), ("iou", "mean IoU"), ("pixel_error", "pixel error")),
    "Scanning electron micrographs of rat spinal cord. Trained on one image each of two animals, tested on all eight "
    "images of the other six: no animal is on both sides.",
    "axon-sem: MIT, Zaimi et al. 2018, Scientific Reports 8:3816", cell_class=2)  # fmt: skip
PHASE = DataSet("usiigaci-phase", "instances", of_phase, OBJECTS,
    "Touching glioblastoma cells in phase contrast. Trained on 4 images, tested on 8 others, three of them from the "
    "authors' validation sets. All come from one microscope, so this says little about another laboratory's images.",
    "usiigaci-phase: MIT, Tsai et al. 2019, SoftwareX 9:230")  # fmt: skip
SLICES = DataSet("isbi2012-em", "binary", of_slices, (("pixel_error", "pixel error"), ("rand_error", "Rand error")),
    "Serial sections of the fly's ventral nerve cord. Trained on slices 00-17 of the challenge's training stack, "
    "tested on 18-23, the next ones of the same block. Foreground is the inside of cells; the Rand error is that of "
    "its 4-connected components at the likeliest class, no threshold chosen: not the challenge's own.")  # fmt: skip
NUCLEI = DataSet("dsb2018", "instances", of_nuclei, OBJECTS,
    "Nuclei in fluorescence. Trained on 8 images, tested on 50, drawn at random with a fixed seed: images of one "
    "experiment may be on both sides. Grey saved as colours is taken as grey.")  # fmt: skip

DATA_SETS = (AXON, PHASE, SLICES, NUCLEI)


def rows() -> tuple[Row, ...]:
    net = recipe_named("default").net
    fcn = tuple(f"net.fcn.{name}={getattr(net, name)}" for name in ("first_width", "depth", "dropout"))
    parts = []
    for data in (AXON, PHASE):
        parts += [
            Row(f"{data.name}-fcn", data, "FCN: scores summed, no copy and crop, same widths", fcn, is_part=True),
            Row(f"{data.name}-no-elastic", data, "no elastic deformation", ("augment.elastic=false",), is_part=True),
            Row(f"{data.name}-one-image", data, "only the first training image", is_part=True, num_train=1),
        ]
    no_weights = Row("usiigaci-phase-no-weight-map", PHASE, "w0 = 0: no weight for gaps", ("weight_map.w0=0",), True)
    return (*(Row(data.name, data) for data in DATA_SETS), *parts, no_weights)
