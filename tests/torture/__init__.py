"""Faults, a thousand at a time: ``make torture`` runs every test here and prints one table.

One file a test, ``t01_killed_training.py``: its docstring's first line is what the table says of it, and it has one function::

    def run(scale: Scale) -> Result

which breaks something ``scale.of(short, long)`` times, works in ``scale.folder`` only, draws what is random from
``scale.seed``, and counts: how often it broke something, how often work was lost, how often something wrong passed in silence.
The tests of ``make test`` call the same functions by :func:`torture.harness.check` with the small counts.
"""
