"""The trainer: it learns from strokes while they are painted, and predicts what is in view.

::

    strokes --> stock --crops by class--> learner --averaged weights--> on_screen --pictures--> page
                                                                            ^
                                       at most a tenth of a class moves at once

=========  ================================================================================
images     the images as the network reads them
stock      what was painted, and where crops are cut
recipe     the settings of the live network
learner    the network, its steps, its averaged weights
on_screen  the weights whose picture is on screen, which follow the averaged ones and never jump
score      each stroke is a test of the picture before it is learnt
pace       what is done next: answer, predict, train, rest
means      what the trainer works with, apart from messages
trainer    messages in, messages out
finish     the final training, by the recipe of the user's choice
kept       what survives the process
process    the pipes, and the order of things
=========  ================================================================================
"""
