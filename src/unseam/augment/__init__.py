"""The paper's augmentation (sec. 3.1): few annotated images, shown each time in another place, pose, form and light.

:class:`Augment` is the whole and its settings; the members below are its parts. Each is a frozen dataclass that is the
thing and its own setting: called with a random generator it draws one instance of itself. The members never meet:
``augment.py`` alone knows them all, fuses every geometry into one map of coordinates, and ``resample.py`` reads the
image and its labels through that map once.

=====================  =======================================================================
the paper              here
=====================  =======================================================================
elastic deformation    :class:`Elastic`
shift                  the random place of the crop, to a fraction of a px
rotation               :class:`Rotate`, with :class:`Mirror`
grey-value variation   :class:`GreyValues`
=====================  =======================================================================

:class:`Scale` is not in the paper. Drop-out, the paper's implicit augmentation, stands in the network.
"""

from unseam.augment.affine import Mirror, Rotate, Scale
from unseam.augment.augment import Augment, Crop
from unseam.augment.elastic import Elastic
from unseam.augment.grey_values import GreyValues

Geometry = Elastic | Rotate | Mirror | Scale
"""What moves pixels: the image and its labels together."""

Transform = Elastic | Rotate | Mirror | Scale | GreyValues
"""Every member of this room. A new one is a new file, a line here, and a field of :class:`Augment`."""

__all__ = ["Augment", "Crop", "Elastic", "Rotate", "Mirror", "Scale", "GreyValues", "Geometry", "Transform"]
