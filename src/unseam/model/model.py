"""A trained network that segments: what ``unseam.train`` and ``unseam.load`` return."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import nn

from unseam.data.channels import first_axis_hint, is_grey_saved_as_colour, num_channels
from unseam.data.normalise import Normalise, Ranges, check_image
from unseam.engines import Engine, Precision, average_engines, choose_device, choose_engine, settle_precision
from unseam.errors import DataError, SettingsError
from unseam.heads import Objects
from unseam.inference import DEFAULT_INPUT_TILE, Averaging
from unseam.inference.averaging import averaged
from unseam.inference.orientations import average_orientations
from unseam.inference.predict import Predictor
from unseam.inference.rotations import average_rotations
from unseam.machine.memory import parse_bytes
from unseam.model.any_image import (
    channel_of,
    check_predicts,
    known_object_px,
    see,
    takes_any_image,
    unlike_training,
    usual_engine,
)
from unseam.model.model_file import ModelInfo, load_model, save_model
from unseam.model.object_size import Size, measure_size
from unseam.model.segmentation import Segmentation
from unseam.nets import folded, members_of, without_normalisation
from unseam.networks import find_model, reading_shipped


class Model:
    """A network, or an ensemble of several, with all that prediction needs.

    Parameters
    ----------
    net
        The network; :class:`unseam.nets.Ensemble` averages the probabilities of its members. Batch normalisations are folded
        into the convolutions (:func:`unseam.nets.folded`); any other network is used as it is.
    info
        Normalisation, classes, objects, and the record of training.
    device
        ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ...
    precision
        Number format of the convolutions; ``auto`` is settled here, so that all processes of a prediction use the same.
    engine
        What computes: ``auto`` takes the fastest engine that is installed, or PyTorch for a network that takes any image. It
        is prepared at the first prediction, and again after a change of the weights.

    Examples
    --------
    >>> from unseam.nets import UNetConfig
    >>> config = UNetConfig(first_width=2, depth=2)
    >>> model = Model(config.build(), ModelInfo(net=config))
    >>> model.predict(np.zeros((5, 3), np.uint8)).classes.shape
    (5, 3)
    """

    def __init__(
        self,
        net: nn.Module,
        info: ModelInfo,
        device: str = "auto",
        precision: Precision = "float32",
        engine: str = "auto",
    ) -> None:
        # No engine, seam check or file meets a normalisation: it is a part of the convolutions from here on.
        self.net = folded(net)
        self.info = replace(info, net=without_normalisation(info.net))
        self.device = choose_device(device)
        self.precision, self.engine_name = settle_precision(precision, self.device), usual_engine(self.info, engine)
        self._engine: Engine | None = None
        self._engine_weights: tuple[tuple[int, torch.dtype, int], ...] = ()

    def __repr__(self) -> str:
        net, record = self.info.net, self.info.training
        learnt = f"{record.steps} steps on {len(record.images)} image(s)"
        if record.imported is not None:
            learnt = f"imported from {record.imported.file}"
        return (
            f"<unseam.Model {self._kind}: {net.in_channels} channel(s), classes {', '.join(self.info.class_names)}; {learnt}>"
        )

    @property
    def _kind(self) -> str:
        nets = members_of(self.net)
        return f"{len(nets)} x {type(nets[0]).__name__}" if len(nets) > 1 else type(self.net).__name__

    @classmethod
    def load(cls, path: Path | str, device: str = "auto", precision: Precision = "float32", engine: str = "auto") -> "Model":
        """Read a model file, the one in a run folder, or a network that ships with the package, by its name.

        Raises
        ------
        ModelFileError
            If the file is missing or cannot be used, or no network has this name.
        """
        with reading_shipped(path):
            net, info = load_model(find_model(path))
        return cls(net, info, device, precision, engine)

    def save(self, path: Path | str) -> None:
        """Write the model into one file.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        save_model(Path(path), self.net, self.info)

    def predict(
        self,
        image: Shaped[np.ndarray, "height width *channel"],
        *,
        max_input_tile: int = DEFAULT_INPUT_TILE,
        average: Averaging | None = None,
        on_tile: Callable[[int, int], None] | None = None,
        max_memory: str | int | None = None,
        ranges: Ranges | None = None,
        diameter: float | Size | None = None,
    ) -> Segmentation:
        """Segment an image of any size.

        Parameters
        ----------
        image
            (H, W) or (H, W, C) as read from the file: any real type and range, with the channels of the training images.
        max_input_tile
            Largest input tile, px. It affects speed and memory, but not the result.
        average
            Mean over ``rotations`` (seven, as in the paper) or ``flips`` (eight), which takes seven or eight times as long as
            ``none``. ``planes`` is for volumes (:meth:`predict_volume`), and ``none`` here. None: as the model was trained to.
        on_tile
            Called with (tiles done, tiles in all).
        max_memory
            Most memory that this process may use, ``"2GB"`` or bytes; tiles shrink to fit. None: the free memory.
        ranges
            For a plane of a stack, those that :meth:`grey_ranges` gives it. None: those of this image alone.
        diameter
            Median diameter of the objects in this image, px, or what :meth:`measure_size` returned. The network sees the image
            resampled to objects of the size that it learnt, and the result has the pixels of the image. None: measured if the
            network ships with the package; otherwise the image is taken as it is.

        Raises
        ------
        DataError
            If this is not an image, has pixels that are not finite, or other channels than the training images.
        SettingsError
            If ``average`` is an unknown word, the network segments nothing, or it does not know the size of its objects.
        SizeError
            If ``max_input_tile`` is too small for the network's context.
        MemoryShortError
            If not even the smallest tile fits into the memory.
        """
        check_predicts(self.info)
        if diameter is None and takes_any_image(self.info):
            diameter = self.measure_size(image)
        seen = see(self.info, np.asarray(image), diameter)
        notes = [*seen.notes]
        max_bytes = None if max_memory is None else parse_bytes(max_memory)
        average = self.info.average if average is None else average
        predictor = Predictor(self._engine_for(average), max_input_tile, on_tile, max_bytes, notes.append, head=self.info.head)
        normalised = self.normalised(seen.image, ranges)
        notes += self.info.normalise.far_from_fixed(float(np.max(image)))
        if average == "rotations":
            probabilities = average_rotations(predictor.probabilities, normalised, self.info.head)
        else:
            probabilities = predictor.probabilities(normalised)
        notes += unlike_training(self.info, probabilities)
        unique_notes = tuple(dict.fromkeys(notes))  # averaging may repeat a note for each version
        maps, objects = seen.back(probabilities), seen.in_its_pixels(self.info.objects)
        return Segmentation(maps, objects, self.info.class_values, unique_notes, self.info.head)

    def predict_volume(
        self,
        volume: Shaped[np.ndarray, "planes height width *channel"],
        *,
        max_input_tile: int = DEFAULT_INPUT_TILE,
        on_plane: Callable[[int, int], None] | None = None,
        max_memory: str | int | None = None,
    ) -> Segmentation:
        """Segment a volume of about cubic voxels: the mean over its planes, the planes of its rows and of its columns.

        ``volume`` is (D, H, W), or (D, H, W, C) with the channels of the training images; the maps of the result have planes,
        too. ``on_plane`` is called with (planes done, planes in all). For the rest, and for errors, see :meth:`predict`. A
        network that ships is refused (`SettingsError`): it would resample each plane by the size of its objects.
        """
        check_predicts(self.info)
        if takes_any_image(self.info):
            raise SettingsError("A network that ships resamples single images, not volumes. Take the planes (--average none).")
        planes, notes = list(np.asarray(volume)), list[str]()
        ranges = self.with_normalise(replace(self.info.normalise, over="stack")).grey_ranges(planes)
        normalised = np.stack([self.normalised(plane, own) for plane, own in zip(planes, ranges, strict=True)], axis=1)
        of_result = 4 * self.info.net.num_classes * normalised[0].size  # it stays while planes are computed
        max_bytes = None if max_memory is None else max(1, parse_bytes(max_memory) - of_result)
        engine = self._engine_for("none")
        predictor = Predictor(engine, max_input_tile, None, max_bytes, notes.append, head=self.info.head)
        maps = average_orientations(predictor.probabilities, normalised, self.info.head, on_plane)
        return Segmentation(maps, self.info.objects, self.info.class_values, tuple(dict.fromkeys(notes)), self.info.head)

    def measure_size(self, image: Shaped[np.ndarray, "height width *channel"]) -> Size | None:
        """Measure the objects of an image in a small first pass at several scales; None if none is found at any.

        For networks that ship with the package, whose training images all had objects of one size; of others, this is a
        guess. Raises the errors of :meth:`predict`.
        """
        grey = channel_of(self.info, np.asarray(image))
        (ranges,) = self.info.normalise.ranges_of([grey])
        # Windows of many shapes, for each of which another engine would prepare itself anew.
        engines = [choose_engine(net, "torch", str(self.device), self.precision) for net in members_of(self.net)]
        predictor = Predictor(average_engines(engines, self.info.head.mean_logits), head=self.info.head)

        def maps_of(part: Shaped[np.ndarray, "height width"]) -> Float[np.ndarray, "logit height width"]:
            return predictor.probabilities(self.normalised(part, ranges))

        return measure_size(grey, known_object_px(self.info), maps_of, self.info.head, self.info.objects)

    def with_objects(self, objects: Objects) -> "Model":
        """Return the same model with other settings for separating objects."""
        info = replace(self.info, objects=objects)
        return Model(self.net, info, str(self.device), self.precision, self.engine_name)

    def with_average(self, average: Averaging) -> "Model":
        """Return the same model with another mean over versions of the image, for example none where time matters most."""
        info = replace(self.info, average=average)
        return Model(self.net, info, str(self.device), self.precision, self.engine_name)

    def with_normalise(self, normalise: Normalise) -> "Model":
        """Return the same model with another scaling of grey values, for example one range for all planes of a stack."""
        info = replace(self.info, normalise=normalise)
        return Model(self.net, info, str(self.device), self.precision, self.engine_name)

    def grey_ranges(self, planes: Sequence[Shaped[np.ndarray, "height width *channel"]]) -> list[Ranges]:
        """Return for each plane of a stack the grey values that become 0 and 1, one pair per channel.

        They are the same for all planes if the model takes one range for a stack. Raises DataError as :meth:`predict`.
        """
        return self.info.normalise.ranges_of([channel_of(self.info, plane) for plane in planes])

    @property
    def engine(self) -> Engine:
        """What computes, over flips if the model averages over them. ``str(engine)`` names it and its number format.

        The first use builds it, and so does the first use after a change of the weights, because an engine other than PyTorch
        holds a copy of them. A change through a parameter's ``.data`` goes unnoticed, because PyTorch does not count it. Raises
        SettingsError if the engine cannot run here.
        """
        return self._engine_for(self.info.average)

    def _engine_for(self, average: Averaging) -> Engine:
        weights = _state_of_weights(self.net)
        if self._engine is None or weights != self._engine_weights:
            nets = members_of(self.net)
            self._engine = None  # frees its memory before the next engine takes as much
            engines = [choose_engine(net, self.engine_name, str(self.device), self.precision) for net in nets]
            self._engine = average_engines(engines, self.info.head.mean_logits)
            self._engine_weights = _state_of_weights(self.net)  # read again: an engine may have moved the weights to its device
        return averaged(self._engine, average, self.info.head)

    def normalised(
        self, image: Shaped[np.ndarray, "height width *channel"], ranges: Ranges | None = None
    ) -> Float[np.ndarray, "channel height width"]:
        """Return the network's input for an image; ``ranges`` and errors are those of :meth:`predict`.

        A model of one channel reads three equal channels as grey.
        """
        check_image(image)
        wanted = self.info.net.in_channels
        if wanted == 1 and is_grey_saved_as_colour(image):
            image = image[..., 0]
        if num_channels(image) == wanted:
            return self.info.normalise(image, ranges)
        raise DataError(
            f"The image has {num_channels(image)} channel(s); this model was trained on {wanted}. Give images with "
            "that number, or train a model on images like this one." + first_axis_hint(image.shape)
        )


def _state_of_weights(net: nn.Module) -> tuple[tuple[int, torch.dtype, int], ...]:
    """Return a value that changes when any weight is replaced or written to."""
    weights = net.state_dict(keep_vars=True).values()
    return tuple((w.data_ptr(), w.dtype, 0 if w.is_inference() else w._version) for w in weights)
