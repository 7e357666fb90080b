"""Annotate, train, correct: a page in the browser that never loses a stroke.

::

    page (browser) --strokes--> server --journal--> disk
                   <--events---   |  ^
                                  v  |
                                trainer (its own process: learns from the strokes, predicts what is in view)

=========  ================================================================================
messages   what the server and the trainer say to each other, as frames on a pipe
ops        the label map of an image, operations on it, undo; arrays only
project    the folder: images, masks, annotate.toml, journal
rank       the place to look at next
live       the trainer
server     HTTP on loopback: token, checks, events
page       what runs in the browser
=========  ================================================================================
"""
