"""Axis letters, and the constants that the whole package shares.

Axes always have this order: ``B`` batch, ``C`` channel, ``K`` class, ``D`` plane, ``H`` row, ``W`` column. Rows come
before columns. Lengths are in px unless their name ends in a unit (``spacing_um``).

========================  ==========================  =====================================================
array                     type and shape              meaning
========================  ==========================  =====================================================
image (inside)            float32 (C, H, W)           grey values, normalised
image (a user's)          any number (H, W[, C])      grey values as read
class map                 uint8 (H, W)                0..K-1; ``IGNORE`` where not annotated
instance map              int32 (H, W)                0 background, 1.. objects; ``NOT_ANNOTATED`` elsewhere
probabilities             float32 (K, H, W)           after the soft-max
weight map                float32 (H, W)              w(x) of Eq. 2
========================  ==========================  =====================================================
"""

IGNORE = 255
"""Value of a class map at pixels that are not annotated: neither training nor scores use them."""

NOT_ANNOTATED = -1
"""Value of an instance map at pixels that are not annotated."""
