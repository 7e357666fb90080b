"""A run: every setting of a training, typed; ``config.toml`` holds the same tree."""

from dataclasses import dataclass, field

from unseam.augment import Augment
from unseam.data.copy_paste import CopyPaste
from unseam.data.crop_stock import CropsBy
from unseam.data.folds import MOST_FOLDS
from unseam.data.kinds import MaskChoice
from unseam.data.normalise import Normalise
from unseam.data.weight_map import WeightMap
from unseam.engines import Precision
from unseam.heads import Head, Objects
from unseam.inference import Averaging
from unseam.losses import Loss, WeightedCrossEntropy
from unseam.nets import Layers, NetConfig, Start, UNetConfig
from unseam.settings import check_range
from unseam.training.optim import AdamW, Cosine, Optimiser, Schedule


@dataclass(frozen=True)
class DataSettings:
    """How to read annotations, and how much of them to hold out.

    Attributes
    ----------
    masks
        What the masks hold; ``auto`` decides from the masks and reports it.
    ignore
        Mask value that means "not annotated"; None: no such value.
    validation
        Share of the annotation to hold out for choosing the best weights. Not used with folds.
    folds
        Number of networks for cross-validation, each trained without one part of the annotation; 1: no cross-validation.
    volumes
        Each file is a volume of about cubic voxels: it is learnt in planes of three orientations, over which prediction
        averages, and all its planes have one range of grey values.
    """

    masks: MaskChoice = "auto"
    ignore: int | None = None
    validation: float = 0.2
    folds: int = 1
    volumes: bool = False

    def __post_init__(self) -> None:
        check_range("data", "validation", self.validation, 0.0, 0.9)
        check_range("data", "folds", self.folds, 1, MOST_FOLDS)


@dataclass(frozen=True)
class TrainingSettings:
    """Length, size and precision of a training.

    Attributes
    ----------
    steps, minutes
        The budget: training stops at the first limit reached; None: no limit.
    output_size
        Side of the network's output for one crop, px; the input is larger by twice the context.
    batch_size
        Crops per step.
    layers
        With a start: the layers that learn; ``all``, ``expansive`` (all but the contracting path) or ``last`` (those with a
        part for each class).
    crops
        ``uniform``: crops lie round annotated pixels. ``by_class``: each class is drawn as often as the others, then one of
        its pixels, and then its place in the crop; for rare classes.
    clip_norm
        Largest norm of the gradient; None: no limit.
    average
        Score and keep the running average of the weights: the largest share of it that a step keeps, for example 0.999; None:
        the weights themselves.
    statistics_momentum
        With batch normalisation: the share of each new batch in the stored statistics.
    statistics_fixed
        With batch normalisation: share of the run after which training takes the stored statistics, as prediction does, and
        they no longer change; 1: never.
    statistics_crops
        With batch normalisation: crops from which the statistics of the kept weights are computed again at the end, unless
        they are fixed by then; 0: those stored in training stay.
    logit_adjustment
        Share of the bias between the classes, left by the weights of the energy, that is taken out of the network at the end;
        0: none; 1: classes become as likely as they are frequent in the annotation. Objects choose a threshold instead.
    precision
        ``auto``: bfloat16 where it is faster than float32, measured when the run begins; a resumed run keeps it.
    validations
        How many times a run scores the held-out part.
    tune_objects
        Derive the smallest object from the annotated ones and, at the end, choose the threshold on the held-out part; off:
        use both as set in ``objects``.
    seed
        Determines weights, crops, augmentation and drop-out.
    """

    steps: int | None = None
    minutes: float | None = 5.0
    output_size: int = 260
    batch_size: int = 1
    layers: Layers = "all"
    crops: CropsBy = "uniform"
    clip_norm: float | None = 1.0
    average: float | None = None
    statistics_momentum: float = 0.05
    statistics_fixed: float = 1.0
    statistics_crops: int = 50
    logit_adjustment: float = 0.0
    precision: Precision = "auto"
    validations: int = 20
    tune_objects: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        check_range("training", "output_size", self.output_size, 1, 4096)
        check_range("training", "batch_size", self.batch_size, 1, 1024)
        if self.clip_norm is not None:
            check_range("training", "clip_norm", self.clip_norm, 1e-6, 1e6)
        if self.average is not None:
            check_range("training", "average", self.average, 0.0, 0.999999)
        check_range("training", "statistics_momentum", self.statistics_momentum, 1e-4, 1.0)
        check_range("training", "statistics_fixed", self.statistics_fixed, 0.0, 1.0)
        check_range("training", "statistics_crops", self.statistics_crops, 0, 10_000)
        check_range("training", "logit_adjustment", self.logit_adjustment, 0.0, 1.0)
        check_range("training", "validations", self.validations, 1, 10_000)
        check_range("training", "seed", self.seed, 0, 2**31)


@dataclass(frozen=True)
class Run:
    """All settings of one training. Functions in :mod:`unseam.recipes` return runs; ``dataclasses.replace`` varies them.

    ``head`` is what the network learns; None (``false`` in a file): that of a start that learnt objects, ridge objects if masks
    number objects, otherwise classes.
    ``paste`` copies objects from training image to training image; None (``false``): none. ``average`` is what the model
    averages over by default when it predicts. ``start`` is the trained network that training begins with;
    None (``false``): weights are drawn. ``start_choice`` says how the start was chosen, if training itself did.
    """

    net: NetConfig = field(default_factory=UNetConfig)
    data: DataSettings = field(default_factory=DataSettings)
    normalise: Normalise = field(default_factory=Normalise)
    weight_map: WeightMap = field(default_factory=WeightMap)
    augment: Augment = field(default_factory=Augment)
    paste: CopyPaste | None = None
    head: Head | None = None
    energy: Loss = field(default_factory=WeightedCrossEntropy)
    optimiser: Optimiser = field(default_factory=AdamW)
    schedule: Schedule = field(default_factory=Cosine)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    objects: Objects = field(default_factory=Objects)
    average: Averaging = "none"
    start: Start | None = None
    start_choice: str | None = None
