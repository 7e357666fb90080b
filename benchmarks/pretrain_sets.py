"""The sets that ``pretrain.py`` may train on: what each shows, its licence and credit, and by what a part of it is held out.

Only licences that allow to pass trained weights on are here. isbi2012-em (non-commercial) and msd-hippocampus-3d (share-alike)
are not, and must not be added. A folder of DATA that this table does not name is left out, and the script says so.
"""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["objects", "pieces", "classes", "dense"]
"""``objects``: numbered. ``pieces``: one class, of which each connected piece is an object; pieces that look like several
touching ones are not annotated. ``classes``: classes. ``dense``: numbered objects that fill the image."""

Network = Literal["nuclei", "cells", "general"]


@dataclass(frozen=True)
class PretrainingSet:
    """One folder of images and masks.

    Attributes
    ----------
    networks
        Those that learn from it.
    origin
        Pattern whose first group, in the stem of a file, names where an image comes from: a patient, a plate, a series. All
        images of an origin, and so all warped copies of an image, are on the same side.
    held_out
        Origins that training never sees.
    partial
        Why not all objects are annotated; then only the neighbourhood of an object is taken as background. Empty: all are.
    native
        Factor that brings the images to the pixels that the network sees, where there is no size of objects to go by.
    weight
        How often it is drawn, compared with other sets.
    """

    name: str
    kind: Kind
    networks: tuple[Network, ...]
    licence: str
    credit: str
    origin: str = r"(.*)"
    held_out: tuple[str, ...] = ()
    held_out_by: str = "image"
    partial: str = ""
    native: float = 1.0
    weight: float = 1.0

    def origin_of(self, stem: str) -> str:
        found = re.match(self.origin, stem)
        return found.group(1) if found else stem


ALL: tuple[Network, ...] = ("nuclei", "cells", "general")
NUCLEI: tuple[Network, ...] = ("nuclei", "general")
CELLS: tuple[Network, ...] = ("cells", "general")
GENERAL: tuple[Network, ...] = ("general",)
NASA = "Stuckner, Harder & Smith 2022, npj Computational Materials 8:200"

SETS = (
    PretrainingSet("dsb2018", "objects", ALL, "CC0-1.0",
        "Caicedo et al. 2019, Nature Methods 16:1247 (BBBC038; corrections by Kaggle's users)",
        held_out=("test of few_images.py", "every fifth of the rest"), weight=3.0,
        held_out_by="image; which images are of one experiment is not known"),
    PretrainingSet("bbbc039-u2os-nuclei", "objects", NUCLEI, "CC0-1.0",
        "Caicedo et al. 2019, Cytometry A 95:952; BBBC039, Ljosa et al. 2012",
        r"IXMtest_([A-Z])", ("B", "H", "N"), "row of the plate"),
    PretrainingSet("s-bsst265-nuclei", "objects", NUCLEI, "CC0-1.0",
        "Kromp et al. 2020, Scientific Data 7:262", held_out=("Neuroblastoma_12", "Neuroblastoma_3", "Neuroblastoma_8")),
    PretrainingSet("aitslab-u2os-nuclei", "objects", NUCLEI, "CC-BY-4.0",
        "Arvidsson, Kazemi Rashed & Aits 2022, Data in Brief, doi:10.1016/j.dib.2022.108769",
        r"MFGTMPcx7_(\d+)_", ("170702000001", "170803210001"), "plate"),
    PretrainingSet("tnbc-he-nuclei", "pieces", NUCLEI, "CC-BY-4.0",
        "Naylor, Laé, Reyal & Walter 2019, IEEE TMI 38:448; some images are warped copies",
        r"tnbc-(\d+)", ("1010", "1022", "1039"), "image; a warped copy belongs to its image"),
    PretrainingSet("nuinsseg-oesophagus-he", "pieces", NUCLEI, "CC-BY-4.0",
        "Mahbod et al. 2024, NuInsSeg, Scientific Data; some images are warped copies",
        r"oeso-(\d+)", ("10", "18", "33"), "image; a warped copy belongs to its image"),
    PretrainingSet("brifiseg-brightfield-nuclei", "pieces", NUCLEI, "Apache-2.0",
        "Gendarme, Lambert & El Debs 2022, BriFiSeg, arXiv:2211.03072", held_out=("A549_005",)),
    PretrainingSet("usiigaci-phase", "objects", CELLS, "MIT",
        "Tsai et al. 2019, SoftwareX 9:230",
        held_out=("train_set05", "train_set15", "train_set25", "train_set35", "train_set45", "val_set46", "val_set48",
            "val_set50"), held_out_by="image, as in few_images.py; all are of one microscope", weight=2.0),
    PretrainingSet("baby-yeast-brightfield", "objects", CELLS, "MIT",
        "Pietsch et al. 2023, eLife 12:e79812", r"(\w+?_test[A-Z])", ("evolve_testG", "prime95b_testA"), "trap"),
    PretrainingSet("colicoords-ecoli-brightfield", "objects", CELLS, "MIT",
        "Smit et al. 2019, PLOS ONE 14:e0217524", r"(ds\d-\d+)", ("ds1-00009", "ds1-00010", "ds2-00074"), "field",
        partial="cells at the border, touching or out of focus were filtered out"),
    PretrainingSet("krd-wbc-nuclei", "pieces", CELLS, "CC-BY-4.0",
        "Taha, Alizadeh & Mohammad 2023, Mendeley Data, doi:10.17632/jzdj6h7gms.2", held_out=("1017", "1221", "1369", "1529")),
    PretrainingSet("pfc-neurons-brightfield", "classes", GENERAL, "CC0-1.0",
        "Erendira V. P., pfc-pn-microscopy-dataset", held_out=("Img__12_", "Img__82_"), native=0.5),
    PretrainingSet("nist-phase-colonies", "classes", GENERAL, "NIST notice",
        "National Institute of Standards and Technology, semantic-segmentation-unet (M. Majurski)",
        held_out=("img_000580", "img_019617", "img_033471", "img_046307", "img_063270"), native=0.5),
    PretrainingSet("axon-sem", "classes", GENERAL, "MIT", "Zaïmi et al. 2018, Scientific Reports 8:3816",
        r"(sub-rat\d)", ("sub-rat3", "sub-rat8"), "animal", weight=2.0),
    PretrainingSet("msa-tem-nanoparticles", "classes", GENERAL, "CC-BY-4.0",
        "Microscopy Society of America, Elemental Microscopy 2024, doi:10.69761/HDTA8338",
        held_out=("test-0", "test-1", "test-2", "test-3"), native=0.5),
    PretrainingSet("nasa-ebc-sem", "classes", GENERAL, "MIT", NASA, r"(\d+_\d+|[^_]+)", ("070516_1", "111418_4"), "specimen"),
    PretrainingSet("nasa-superalloy-sem", "classes", GENERAL, "MIT", NASA,
        r"(spot\d|[a-z0-9]+)", ("spot7", "lshr"), "place on the specimen", native=1.5),
    PretrainingSet("nasa-meltpool", "objects", GENERAL, "MIT", NASA, r"(Slice-?\d+[A-Z][a-z]+)", ("Slice-2Top",), "slice",
        partial="only the melt pools of the last layer, older ones are background"),
    PretrainingSet("maskterial-flakes", "objects", GENERAL, "MIT", "Uslu et al. 2024, MaskTerial, arXiv:2412.09333",
        held_out=("GrapheneH-17294f8a", "GrapheneH-45ce9af7"), partial="only thin flakes; thick ones are background"),
    PretrainingSet("plantseg-ovule-confocal", "dense", GENERAL, "MIT", "Wolny et al. 2020, PlantSeg, eLife 9:e57613",
        r"(z\d+)", ("z25", "z27", "z29", "z31"), "the last slices; all are of one volume", weight=0.5),
    PretrainingSet("neuroproof-fibsem-medulla", "dense", GENERAL, "CC-BY-3.0-US",
        "FlyEM, Janelia; Parag et al. 2015, PLOS ONE 10:e0125825", r"([xyz])", ("x",),
        "direction of the slices; all are of one volume", native=1.5),
)  # fmt: skip
"""The table. Credits and licences stand in the card of each network."""

RELATED = {"dsb2018": ("bbbc039-u2os-nuclei",), "bbbc039-u2os-nuclei": ("dsb2018",)}
"""Sets that may hold images of the same experiments: they are left out together."""


def sets_of(network: Network, left_out: tuple[str, ...] = ()) -> tuple[PretrainingSet, ...]:
    """The sets of a network, without those that are left out and their relatives."""
    gone = {name for one in left_out for name in (one, *RELATED.get(one, ()))}
    return tuple(one for one in SETS if network in one.networks and one.name not in gone)
