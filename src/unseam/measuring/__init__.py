"""From label maps and images to tables: one row an object, one row an image.

::

    runs        a window of a label map as runs of equal numbers along its rows
    facts       what adds up over windows: counts, sums, boxes, extremes; and how two facts become one
    outside     the border of each object: its perimeter, and which objects touch
    hulls       convex hulls of all objects at once: solidity, the longest diameter
    columns     the columns, their units and their names in scikit-image
    objects     facts -> the columns of the objects
    by_regions  any other property of scikit-image, object by object
    images      objects -> the columns of the images
    groups      images and objects -> the columns of the groups

Everything but ``by_regions`` is computed for all objects at once, and window by window for images that are larger than memory.
The values are those of :func:`skimage.measure.regionprops_table`, with which the tests compare each column.
"""
