"""What we parse ourselves, changed in its structure: headers, manifests, journals, settings, metadata

Not guided by coverage: what is changed is drawn from the structure of sound input. What the parsers of others are given stands
in T8 to T10 and T13.
"""

from torture.harness import Result, Scale
from torture.parsers import KINDS
from torture.probe import count


def run(scale: Scale) -> Result:
    return count("T11", "parser", scale, len(KINDS) * scale.of(100, 20_000))
