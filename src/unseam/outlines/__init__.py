"""Outlines of objects, for other tools and back: they run along the edges of pixels, so that filled they are exactly the mask.

::

    outline     an outline: polygons with holes, corners at whole rows and columns
    trace       instance map -> outlines
    fill        outlines -> instance map
    geojson     QuPath, and any program for maps
    rois        ImageJ and Fiji
    coco        training of other networks
    files       reads what ends in .geojson, .zip or .roi

The corner (0, 0) is the upper left corner of the first pixel, as in QuPath and ImageJ; a pixel is from its row to the next one.

>>> import numpy as np
>>> from unseam.outlines.trace import trace_outlines
>>> [outline.polygons[0][0].tolist() for outline in trace_outlines(np.array([[0, 5], [0, 5]]))]
[[[0, 1], [0, 2], [2, 2], [2, 1]]]
"""
