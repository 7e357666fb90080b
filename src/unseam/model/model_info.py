"""What a model file holds besides weights: all that prediction needs, and the record of training."""

from dataclasses import dataclass, field

from torch import nn

from unseam.data.file_names import normal_form
from unseam.data.grey_facts import SeenImages
from unseam.data.kinds import KindFacts, LabelKind, facts_of_kind
from unseam.data.normalise import Normalise
from unseam.errors import SettingsError
from unseam.heads import Classes, Head, Objects
from unseam.inference import Averaging
from unseam.model.release import Release
from unseam.nets import Ensemble, NetConfig, Start, UNetConfig
from unseam.settings import check_range, table_name

_MOST_MEMBERS = 100


@dataclass(frozen=True)
class Imported:
    """Where weights come from that unseam did not train.

    Attributes
    ----------
    file
        Name of the file, without its folder.
    sha256
        Check sum of that file.
    notes
        What the file does not say and was assumed, in words for the user.
    """

    file: str
    sha256: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingRecord:
    """What a model was trained on and how, in enough detail to repeat the training.

    ``score`` is the score of the finished model on what was held out, predicted once after training in float32 (in files of
    version 0.1: the best validation during training), and ``score_range`` the lowest and highest of its windows. ``best_step``
    is the step whose weights were kept. ``start`` is the network that training began with; None: drawn weights. ``first_score``
    is its score on what was held out, before the first step. ``start_choice`` says how training chose it, if training
    did. ``imported`` says where the weights come from if unseam did not train them; all else but date and versions is then
    empty.
    """

    images: tuple[str, ...] = ()
    num_annotated_pixels: int = 0
    held_out: str = ""
    recipe: str = ""
    steps: int = 0
    best_step: int = 0
    seconds: float = 0.0
    score_name: str = ""
    score: float | None = None
    score_range: tuple[float, float] | None = None
    seed: int = 0
    precision: str = ""
    device: str = ""
    date: str = ""
    versions: tuple[str, ...] = ()
    seen: SeenImages | None = None
    ranks: int = 1
    imported: Imported | None = None
    start: Start | None = None
    first_score: float | None = None
    start_choice: str | None = None

    def describe_start(self) -> str:
        """Return the start with its check sum, licence and first score; empty for drawn weights.

        >>> TrainingRecord(start=Start("cells", "0f" * 32, licence="MIT"), score_name="IoU", first_score=0.5).describe_start()
        'cells (SHA-256 0f0f...0f), licence MIT, IoU 0.500 before the first step'
        """
        if self.start is None:
            return ""
        network = f", network {self.start.member} of its ensemble" if self.start.member is not None else ""
        parts = [f"{self.start.model or 'a model in memory'} (SHA-256 {self.start.sha256}){network}"]
        parts.append(f"licence {self.start.licence or 'not known'}")
        if self.start.rescale_to_um is not None:
            parts.append(f"images resampled to pixels of {self.start.rescale_to_um[0]:g} um")
        if self.first_score is not None:
            parts.append(f"{self.score_name} {self.first_score:.3f} before the first step")
        return ", ".join(parts)

    def describe_score(self, digits: int = 3) -> str:
        """Return the score with its name and range, empty without a score.

        >>> TrainingRecord(score_name="mean IoU", score=0.75, score_range=(0.5, 0.875)).describe_score()
        'mean IoU 0.750 (0.500 to 0.875 by window)'
        """
        if self.score is None:
            return ""
        ends = [f"{end:.{digits}f}" for end in self.score_range or ()]
        return f"{self.score_name} {self.score:.{digits}f}" + (f" ({' to '.join(ends)} by window)" if ends else "")


@dataclass(frozen=True)
class ModelInfo:
    """All that prediction needs besides the weights.

    Attributes
    ----------
    normalise
        Scales grey values to the range of training.
    head
        What the network learnt, and how its output becomes classes and objects.
    objects
        How objects are separated.
    average
        What prediction averages over by default. Files of 0.1 say nothing of it, which means ``none``.
    masks
        What the training masks held, and therefore what the model predicts by default.
    class_names, class_values
        Name of each class, and its value in the user's masks (for example 0 and 255); background first.
    spacing_um
        Pixel size of the training images (row, column) in micrometres, if the files state it.
    members
        For an ensemble: how each network was trained; ``training`` then sums up. Empty for a single network.
    release
        Of a network that ships with the package: its card, and the size of the objects that it expects.
    """

    net: NetConfig = field(default_factory=UNetConfig)
    normalise: Normalise = field(default_factory=Normalise)
    head: Head = field(default_factory=Classes)
    objects: Objects = field(default_factory=Objects)
    average: Averaging = "none"
    masks: LabelKind = "classes"
    class_names: tuple[str, ...] = ("background", "foreground")
    class_values: tuple[int, ...] = (0, 1)
    spacing_um: tuple[float, float] | None = None
    training: TrainingRecord = field(default_factory=TrainingRecord)
    members: tuple[TrainingRecord, ...] = ()
    release: Release | None = None

    def __post_init__(self) -> None:
        for name in ("class_names", "class_values"):
            given = getattr(self, name)
            if len(self.head.logit_names(given)) != self.net.num_classes:
                raise SettingsError(
                    f"{name} has {len(given)} entries for {self.net.num_classes} logits of the network, which does not fit the "
                    f"head {table_name(type(self.head))}. Give one for each class, and a network that fits."
                )
        for value in self.class_values:
            check_range("model", "class_values", value, 0, 2**62)
        check_range("model", "members", len(self.members), 0, _MOST_MEMBERS)

    @property
    def kind_facts(self) -> KindFacts:
        return facts_of_kind(self.masks)

    @property
    def map_names(self) -> tuple[str, ...]:
        """The name of each map of the head. For classes: the class names."""
        return self.head.logit_names(self.class_names)

    @property
    def names_of_values(self) -> dict[int, str]:
        """The name of each class by its value in masks and class maps.

        >>> ModelInfo(class_values=(0, 255)).names_of_values
        {0: 'background', 255: 'foreground'}
        """
        return dict(zip(self.class_values, self.class_names, strict=True))

    def build(self) -> nn.Module:
        """Build the network or the ensemble, with fresh weights."""
        if not self.members:
            return self.net.build()
        return Ensemble([self.net.build() for _ in self.members])

    def class_index(self, name: str) -> int:
        """Return the index of a foreground class, given its name or its value; SettingsError if the model has no such class."""
        for index, (known, value) in enumerate(zip(self.class_names, self.class_values, strict=True)):
            if index > 0 and normal_form(name) in (normal_form(known), str(value)):
                return index
        known_classes = ", ".join(f"{n} ({v})" for n, v in zip(self.class_names[1:], self.class_values[1:], strict=True))
        raise SettingsError(f"This model has no foreground class {name!r}; it has: {known_classes}.")
