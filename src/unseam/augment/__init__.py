"""The paper's augmentation (sec. 3.1): each crop varies the place, pose, shape and light of the few annotated images.

:class:`Augment` holds all parts; its fields are the closed list of the family. Each part is a frozen dataclass of one of
the three kinds in ``base.py``, and is its own setting. Parts never import each other. ``augment.py`` alone knows them all
and fuses their geometry into one map of coordinates; ``resample.py`` reads the image and its labels once, through that map.

=====================  =======================================================================
the paper              here
=====================  =======================================================================
elastic deformation    :class:`Elastic`
shift                  the random place of the crop, with sub-pixel precision
rotation               :class:`Rotate`, with :class:`Mirror`
grey-value variation   :class:`GreyValues`
=====================  =======================================================================

:class:`Scale` and :class:`Sharpness` are not in the paper. The paper's implicit augmentation, drop-out, is part of the network.
"""

from unseam.augment.affine import Mirror, Rotate, Scale
from unseam.augment.augment import Augment, Crop, DrawnGeometry
from unseam.augment.elastic import Elastic
from unseam.augment.grey_values import GreyValues
from unseam.augment.sharpness import Sharpness

__all__ = ["Augment", "Crop", "DrawnGeometry", "Elastic", "Rotate", "Mirror", "Scale", "GreyValues", "Sharpness"]
