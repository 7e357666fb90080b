"""The whole augmentation of one crop: draw every part, fuse the geometry, read each pixel once, vary the grey values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import torch
from jaxtyping import Float32, Float64, UInt8
from torch import Tensor

from unseam.augment.affine import Mirror, QuarterTurn, Rotate, Scale
from unseam.augment.base import Affine, Appearance, Displacement
from unseam.augment.cut import cut_window, tensor_type
from unseam.augment.elastic import Elastic
from unseam.augment.grey_values import GreyValues
from unseam.augment.resample import coordinates, sample_cubic, sample_nearest
from unseam.augment.sharpness import Sharpness
from unseam.errors import DataError, SizeError
from unseam.settings import check_range


@dataclass(frozen=True)
class Crop:
    """A training crop on the device of its sample: an input tile, and the targets of the output tile in its middle."""

    image: Float32[Tensor, "channel input input"]
    classes: UInt8[Tensor, "output output"]
    weights: Float32[Tensor, "output output"] | None  # None if the sample has no weight map
    planes: tuple[Float32[Tensor, "output output"], ...] = ()  # further targets of the head


@dataclass(frozen=True)
class DrawnGeometry:
    """What moves the pixels of one crop, as drawn: all but its place in the image."""

    matrix: Float64[np.ndarray, "2 2"]
    vectors: Float32[np.ndarray, "2 grid grid"]
    basis: Float32[np.ndarray, "size grid"]

    def offset(self, row: int, column: int) -> tuple[float, float]:
        """Return how far from the centre of the crop a pixel of the input tile is read, (row, column) in px of the image."""
        from_middle = np.array([row, column]) - (len(self.basis) - 1) / 2
        down, across = self.matrix @ from_middle + self.basis[row] @ self.vectors.astype(np.float64) @ self.basis[column]
        return float(down), float(across)


@dataclass(frozen=True)
class Augment:
    """All random variation of a crop. The fields are the closed list of the family; None switches a part off.

    The pixel at offset u from the middle of the tile is read from the image at::

        centre + rotate @ mirror @ scale @ u + displacement(u)

    The image is interpolated bicubically; class map, weight map and further targets take the nearest pixel at the same
    coordinates. All are mirrored beyond the border. Displacements are in px of the image, at any scale.

    Parts draw random numbers in this order: all :class:`Affine` parts, all :class:`Displacement` parts, all
    :class:`Appearance` parts; within each kind in the order of the fields.

    If every active part moves whole pixels (mirroring), nothing is interpolated: the centre is rounded so that the tile
    lies on whole pixels, and the crop consists of unchanged pixels of the image. So do the crops that are drawn to be
    ``still``. A network that saw interpolated pixels alone meets sharper ones, with more noise, in prediction.

    **Source:** Ronneberger, Fischer, Brox 2015, sec. 3.1: shift, rotation, elastic deformation, grey values. The
    border is mirrored as in sec. 2.

    **Departs:** the weight map of Eq. 2 is computed once and moved with its labels, not computed from the moved labels.
    This takes under 10 ms per crop instead of hundreds, and is exact where the geometry preserves distances. The paper
    does not say whether some crops stay as they are.

    >>> image, classes = np.arange(25, dtype=np.float32).reshape(1, 5, 5), np.eye(5, dtype=np.uint8)
    >>> still = Augment(elastic=None, rotate=None, mirror=None, scale=None, grey=None)
    >>> crop = still(image, classes, centre=(0.0, 2.0), input_size=3, output_size=1, rng=np.random.default_rng(0))
    >>> crop.image.int()  # the row above the first mirrors the row below it
    tensor([[[6, 7, 8],
             [1, 2, 3],
             [6, 7, 8]]], dtype=torch.int32)
    """

    elastic: Elastic | None = field(default_factory=Elastic)
    rotate: Rotate | None = field(default_factory=Rotate)
    mirror: Mirror | None = field(default_factory=Mirror)
    scale: Scale | None = None
    sharpness: Sharpness | None = None  # before the grey values: noise arises behind the lens, and is never blurred
    grey: GreyValues | None = field(default_factory=GreyValues)
    still: float = 0.0
    """Share of the crops that are only mirrored and turned by quarter turns, 0 to 1: their pixels are those of the image."""

    def __post_init__(self) -> None:
        check_range("augment", "still", self.still, 0.0, 1.0)

    def __call__(
        self,
        image: Float32[np.ndarray, "channel height width"] | Float32[Tensor, "channel height width"],
        classes: UInt8[np.ndarray, "height width"] | UInt8[Tensor, "height width"],
        weights: Float32[np.ndarray, "height width"] | Float32[Tensor, "height width"] | None = None,
        planes: Sequence[Float32[np.ndarray, "height width"] | Float32[Tensor, "height width"]] = (),
        *,
        centre: tuple[float, float] | Callable[[DrawnGeometry], tuple[float, float]],
        input_size: int,
        output_size: int,
        rng: np.random.Generator,
    ) -> Crop:
        """Cut one crop and vary it. The same generator state gives the same bits.

        Parameters
        ----------
        image, classes, weights, planes
            A sample, never written to; of a memory-mapped image, only the pixels around the crop are read. Tensors give
            a crop on their own device. Random numbers are drawn on the CPU, and nothing waits for the device.
        centre
            Middle of the tile, (row, column) in px of the image. Pixel centres are whole numbers, so the middle of a tile
            of even size on whole pixels lies at halves. A function chooses it when the geometry is drawn, so that a certain
            pixel of the tile can be read at a certain place of the image.
        input_size, output_size
            Side of the input tile and of the output tile, px: 572 and 388 in the paper. The output tile is the middle
            of the input tile, so both are even or both are odd.

        Raises
        ------
        SizeError
            The output tile is not the middle of the input tile.
        DataError
            Image and maps differ in size, the image is empty, or the centre is not finite.
        """
        maps = [classes, *planes] if weights is None else [classes, *planes, weights]
        _check(image, maps, (input_size, output_size))
        if not callable(centre):
            _check_centre(centre)
        parts = [getattr(self, part.name) for part in fields(self)]
        if self.still and rng.random() < self.still:
            parts = self._parts_of_still()
        affine = [part for part in parts if isinstance(part, Affine)]
        displacements = [part for part in parts if isinstance(part, Displacement)]
        matrix = np.eye(2)
        for part in affine:
            matrix = matrix @ part(rng)
        geometry = DrawnGeometry(matrix, *_join_lattices(displacements, input_size, rng))
        if callable(centre):
            centre = centre(geometry)
            _check_centre(centre)
        if not displacements and all(part.moves_whole_pixels for part in affine):
            tile, cut_maps = _cut_whole_pixels(image, maps, centre, matrix, (input_size, output_size))
        else:
            at = coordinates(centre, matrix, geometry.vectors, geometry.basis, _device(image))
            tile, cut_maps = sample_cubic(image, at), sample_nearest(maps, at.centred(output_size))
        for part in parts:
            if isinstance(part, Appearance):
                part(tile, rng)
        last = 1 + len(planes)
        return Crop(tile, cut_maps[0], cut_maps[last] if weights is not None else None, tuple(cut_maps[1:last]))

    def _parts_of_still(self) -> list[Affine | Displacement | Appearance | None]:
        """Return the parts that leave pixels whole; where every angle may occur, so may each quarter turn."""
        turns = self.rotate is not None and self.rotate.max_degrees >= 180.0
        return [QuarterTurn() if turns else None, self.mirror, self.sharpness, self.grey]


def _join_lattices(
    displacements: Sequence[Displacement], size: int, rng: np.random.Generator
) -> tuple[Float32[np.ndarray, "2 grid grid"], Float32[np.ndarray, "size grid"]]:
    """Draw every displacement; return vectors and basis of one lattice whose field is the sum of all fields."""
    drawn = [part(rng) for part in displacements]
    bases = [np.empty((size, 0), np.float32), *(part.basis(size) for part in displacements)]
    # Each lattice gets its own diagonal block of vectors; the zeros elsewhere keep the lattices from mixing.
    grid = sum(len(vectors[0]) for vectors in drawn)
    joint, first = np.zeros((2, grid, grid), np.float32), 0
    for vectors in drawn:
        block = slice(first, first + len(vectors[0]))
        joint[:, block, block], first = vectors, block.stop
    return joint, np.concatenate(bases, axis=1)


def _device(image: np.ndarray | Tensor) -> torch.device:
    return image.device if isinstance(image, Tensor) else torch.device("cpu")


def _cut_whole_pixels(
    image: Float32[np.ndarray, "channel height width"] | Float32[Tensor, "channel height width"],
    maps: Sequence[np.ndarray | Tensor],
    centre: tuple[float, float],
    matrix: Float64[np.ndarray, "2 2"],
    sizes: tuple[int, int],
) -> tuple[Float32[Tensor, "channel input input"], list[Tensor]]:
    """Cut and mirror without interpolation; equal to the bit to interpolation at whole coordinates."""
    input_size, output_size = sizes
    context = (input_size - output_size) // 2
    top, left = (int(np.floor(c - (input_size - 1) / 2 + 0.5)) for c in centre)
    # The matrix is diagonal, or it exchanges rows and columns. A negative entry mirrors an axis of the image.
    is_turned = bool(matrix[0, 0] == 0)
    mirrored = [axis - 2 for axis in range(2) if matrix[axis].sum() < 0]  # the last two axes: rows, columns
    device = _device(image)
    tile = torch.empty((len(image), input_size, input_size), dtype=torch.float32, device=device)
    for plane, out in zip(image, tile, strict=True):
        cut_window(plane, top, left, out)
    cut_maps = [torch.empty((output_size, output_size), dtype=tensor_type(plane), device=device) for plane in maps]
    for plane, out in zip(maps, cut_maps, strict=True):
        cut_window(plane, top + context, left + context, out)
    tile, *cut_maps = (plane.flip(mirrored) for plane in (tile, *cut_maps))
    return (tile.mT.contiguous(), [plane.T.contiguous() for plane in cut_maps]) if is_turned else (tile, cut_maps)


def _check(image: np.ndarray | Tensor, maps: Sequence[np.ndarray | Tensor], sizes: tuple[int, int]) -> None:
    """Refuse a crop that cannot be cut, before any random number is drawn."""
    input_size, output_size = sizes
    if not 1 <= output_size <= input_size or (input_size - output_size) % 2:
        raise SizeError(
            f"An input tile of {input_size} px and an output tile of {output_size} px cannot share their middle. The "
            "output tile may have 1 px up to the size of the input tile, and both must be even or both odd. Take the two "
            "sizes from the network's geometry (572 and 388 in the paper)."
        )
    if 0 in image.shape:
        raise DataError(f"The image is empty: its shape is {tuple(image.shape)}. Leave it out of the training set.")
    size = tuple(image.shape[1:])
    for plane in maps:
        if tuple(plane.shape) != size:
            raise DataError(
                f"Got an image of {size} px and a map of {tuple(plane.shape)} px. Both must have the same height and "
                "width; check that the annotation belongs to this image."
            )


def _check_centre(centre: tuple[float, float]) -> None:
    if not np.isfinite(centre).all():
        raise DataError(f"The centre of the crop is {centre}. It must be two finite numbers, in px.")
