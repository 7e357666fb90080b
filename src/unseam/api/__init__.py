"""What programs call, and all that the command line calls.

::

    check       what is wrong with a folder of images, before anyone trains on it
    training    train a model on a folder or on arrays; Watch follows and stops it
    models      load a model, or read what it is
    predict     segment files, folders and stores, in memory or chunk by chunk
    evaluate    score predictions against annotations
    reports     write the report of a run, or of an evaluation
    seams       the seam check of one image
    plot        pictures of results
    demo        the whole way on micrographs that ship with the package
    reproduce   the tables of the paper next to ours

Most users need only the names that ``import unseam`` gives. Nothing here prints: progress goes to the functions of a caller.
"""
