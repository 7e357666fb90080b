"""The whole augmentation of one crop: draw every part, fuse the geometry, read pixels once, vary the light."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float32, Float64, UInt8
from torch import Tensor

from unseam.augment.affine import Mirror, Rotate, Scale
from unseam.augment.cut import cut, tensor_type
from unseam.augment.elastic import Elastic
from unseam.augment.grey_values import GreyValues
from unseam.augment.resample import coordinates, sample_cubic, sample_nearest
from unseam.errors import DataError, SizeError


@dataclass(frozen=True)
class Crop:
    """A training cut-out, on the device of its sample: an input tile and what the network should say about its middle."""

    image: Float32[Tensor, "channel input input"]
    """Input tile."""
    classes: UInt8[Tensor, "output output"]
    """Class map of the output tile, centred in the input tile."""
    weights: Float32[Tensor, "output output"] | None
    """Weight map of the output tile, if the sample has one."""
    planes: tuple[Float32[Tensor, "output output"], ...] = ()
    """Further targets of the output tile."""


@dataclass(frozen=True)
class Augment:
    """Everything that is varied when a crop is cut; a part that is None is left out.

    A pixel at offset u from the middle of the tile is read from the image at::

        centre + rotate @ mirror @ scale @ u + displacement(u)

    The image is interpolated bicubically. Class map, weight map and further targets take their nearest pixel at the same
    coordinates, and all are mirrored beyond the border. The displacement is in px of the image, whatever the scale.

    Where nothing but mirroring is at work, no pixel needs interpolation: the crop is the image's own pixels, and a
    centre that falls between the places that a tile can lie in is moved to the nearest.

    **Source:** Ronneberger, Fischer, Brox 2015, sec. 3.1: shift, rotation, elastic deformation, grey values. The
    border is mirrored as in sec. 2.

    **Departs:** the weight map of Eq. 2 is computed beforehand and moved with its labels, not computed from the moved
    labels: fewer than ten ms a crop against hundreds. It is exact where the geometry keeps distances.

    >>> image, classes = np.arange(25, dtype=np.float32).reshape(1, 5, 5), np.eye(5, dtype=np.uint8)
    >>> still = Augment(elastic=None, rotate=None, mirror=None, scale=None, grey=None)
    >>> crop = still(image, classes, centre=(0.0, 2.0), input_size=3, output_size=1, rng=np.random.default_rng(0))
    >>> crop.image.int()  # the row above the first is the mirror image of the row below it
    tensor([[[6, 7, 8],
             [1, 2, 3],
             [6, 7, 8]]], dtype=torch.int32)
    """

    elastic: Elastic | None = field(default_factory=Elastic)
    """Elastic deformation."""
    rotate: Rotate | None = field(default_factory=Rotate)
    """Rotation."""
    mirror: Mirror | None = field(default_factory=Mirror)
    """Mirroring."""
    scale: Scale | None = None
    """Enlarging and shrinking."""
    grey: GreyValues | None = field(default_factory=GreyValues)
    """Variation of grey values."""

    def __call__(
        self,
        image: Float32[np.ndarray, "channel height width"] | Float32[Tensor, "channel height width"],
        classes: UInt8[np.ndarray, "height width"] | UInt8[Tensor, "height width"],
        weights: Float32[np.ndarray, "height width"] | Float32[Tensor, "height width"] | None = None,
        planes: Sequence[Float32[np.ndarray, "height width"] | Float32[Tensor, "height width"]] = (),
        *,
        centre: tuple[float, float],
        input_size: int,
        output_size: int,
        rng: np.random.Generator,
    ) -> Crop:
        """Cut one crop and vary it. The same generator state gives the same bits; nothing else is remembered.

        Parameters
        ----------
        image, classes, weights, planes
            A sample. It is only read; of a memory-mapped image, only round the crop. Tensors on one device give a crop
            that is made there: all numbers are drawn here, and nothing waits for the device.
        centre
            Where the middle of the tile falls, (row, column) in px of the image; fractions shift by parts of a px.
            Pixel centres are whole numbers, so the middle of a tile of even size lies at halves.
        input_size, output_size
            Side of the input tile and of the output tile, px: 572 and 388 in the paper. The output tile is the middle
            of the input tile, so both are even or both are odd.
        rng
            All that is random is drawn from it.

        Raises
        ------
        SizeError
            The output tile is not the middle of the input tile.
        DataError
            Image and maps differ in size, the image is empty, or the centre is not a place.
        """
        maps = [classes, *planes] if weights is None else [classes, *planes, weights]
        _check(image, maps, centre, (input_size, output_size))
        matrix = np.eye(2)
        for part in (self.rotate, self.mirror, self.scale):
            if part is not None:
                matrix = matrix @ part(rng)
        if self.elastic is None and self.rotate is None and self.scale is None:
            tile, cut_maps = _on_grid(image, maps, centre, matrix, (input_size, output_size))
        else:
            vectors, basis = np.empty((2, 0, 0), np.float32), np.empty((input_size, 0), np.float32)
            if self.elastic is not None:
                vectors, basis = self.elastic(rng), self.elastic.basis(input_size)
            at = coordinates(centre, matrix, vectors, basis, _device(image))
            tile, cut_maps = sample_cubic(image, at), sample_nearest(maps, at.centred(output_size))
        if self.grey is not None:
            self.grey.vary(tile, rng)
        last = 1 + len(planes)
        return Crop(tile, cut_maps[0], cut_maps[last] if weights is not None else None, tuple(cut_maps[1:last]))


def _device(image: np.ndarray | Tensor) -> torch.device:
    """Where the crop is made: beside a tensor, otherwise on the CPU."""
    return image.device if isinstance(image, Tensor) else torch.device("cpu")


def _on_grid(
    image: Float32[np.ndarray, "channel height width"] | Float32[Tensor, "channel height width"],
    maps: Sequence[np.ndarray | Tensor],
    centre: tuple[float, float],
    matrix: Float64[np.ndarray, "2 2"],
    sizes: tuple[int, int],
) -> tuple[Float32[Tensor, "channel input input"], list[Tensor]]:
    """Cut and turn over, without interpolation: to the bit what the general way gives at whole coordinates."""
    input_size, output_size = sizes
    context = (input_size - output_size) // 2
    top, left = (int(np.floor(c - (input_size - 1) / 2 + 0.5)) for c in centre)
    turned = [axis - 2 for axis in range(2) if matrix[axis, axis] < 0]  # the last two axes: rows, columns
    device = _device(image)
    tile = torch.empty((len(image), input_size, input_size), dtype=torch.float32, device=device)
    for plane, out in zip(image, tile, strict=True):
        cut(plane, top, left, out)
    cut_maps = [torch.empty((output_size, output_size), dtype=tensor_type(plane), device=device) for plane in maps]
    for plane, out in zip(maps, cut_maps, strict=True):
        cut(plane, top + context, left + context, out)
    return tile.flip(turned), [plane.flip(turned) for plane in cut_maps]


def _check(
    image: np.ndarray | Tensor, maps: Sequence[np.ndarray | Tensor], centre: tuple[float, float], sizes: tuple[int, int]
) -> None:
    """Refuse what cannot be cut, before anything is drawn."""
    input_size, output_size = sizes
    if not 1 <= output_size <= input_size or (input_size - output_size) % 2:
        raise SizeError(
            f"Input tile {input_size} px and output tile {output_size} px cannot share their middle. The output tile "
            "may have 1 px to the size of the input tile, and both must be even or both odd; "
            "take the two sizes from the network's geometry (572 and 388 in the paper)."
        )
    if 0 in image.shape:
        raise DataError(f"The image has the shape {tuple(image.shape)}: it is empty. Leave it out of the training set.")
    size = tuple(image.shape[1:])
    for plane in maps:
        if tuple(plane.shape) != size:
            raise DataError(
                f"An image of {size} px came with a map of {tuple(plane.shape)} px. Both must have the same height and "
                "width; check that the annotation belongs to this image."
            )
    if not np.isfinite(centre).all():
        raise DataError(f"The centre of the crop is {centre}. It must be a place: two finite numbers, in px.")
