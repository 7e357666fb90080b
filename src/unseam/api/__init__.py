"""Everything that programs and the command line call.

::

    check       find what is wrong with a folder of images
    training    train a model on a folder or on arrays; Watch follows and stops it
    models      load a model, or read its facts
    importing   take over the network that the authors of the paper released
    predict     segment files, folders and stores, in memory or chunk by chunk
    evaluate    score predictions against annotations
    measure     label maps and images as arrays or files, to tables; measure_files writes them
    outlines    outlines of objects for QuPath, ImageJ and COCO, and back
    reports     write the report of a run or of an evaluation
    export      write a model for other programs, compared with itself
    seams       check one image for seams
    plot        draw results
    demo        train, predict and score on micrographs that ship with the package
    reproduce   rebuild the tables of the paper

Most users need only the names in ``import unseam``. Nothing here prints: progress goes to functions that the caller passes.
"""
