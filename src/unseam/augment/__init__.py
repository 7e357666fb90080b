"""The paper's augmentation (sec. 3.1): each crop shows the few annotated images in another place, pose, form and light.

:class:`Augment` holds all parts; its fields are the closed list of the family. Each part is a frozen dataclass of one of
the three kinds in ``base.py``, thing and setting at once. Parts never import each other: ``augment.py`` alone knows them
all and fuses their geometry into one map of coordinates, and ``resample.py`` reads the image and its labels through that
map once.

=====================  =======================================================================
the paper              here
=====================  =======================================================================
elastic deformation    :class:`Elastic`
shift                  the random place of the crop, to a fraction of a px
rotation               :class:`Rotate`, with :class:`Mirror`
grey-value variation   :class:`GreyValues`
=====================  =======================================================================

:class:`Scale` is not in the paper. The paper's implicit augmentation, drop-out, is part of the network.
"""

from unseam.augment.affine import Mirror, Rotate, Scale
from unseam.augment.augment import Augment, Crop
from unseam.augment.elastic import Elastic
from unseam.augment.grey_values import GreyValues

__all__ = ["Augment", "Crop", "Elastic", "Rotate", "Mirror", "Scale", "GreyValues"]
