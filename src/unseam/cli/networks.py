"""``unseam networks``."""

import json
from typing import Annotated

from cyclopts import Parameter


def networks(*, as_json: Annotated[bool, Parameter(name="--json", negative=())] = False) -> None:
    """List the trained networks that ship with unseam. unseam info NAME tells all about one.

    Parameters
    ----------
    as_json
        Print everything as JSON.
    """
    from unseam.api.models import encode
    from unseam.api.networks import networks as shipped_networks

    found = shipped_networks()
    if as_json:
        print(json.dumps({one.name: encode(one.release) for one in found}, indent=2))
        return
    if not found:
        print("no network ships with this package")
    for one in found:
        card = one.release
        print(f"{one.name}: {card.purpose}")
        if card.role == "start":
            print(f"  use:       unseam train DATA --from {one.name} --out RUN")
        else:
            print(f"  use:       unseam predict {one.name} IMAGES --out OUT")
        if card.object_px is not None:
            print(f"  objects:   brought to {card.object_px:g} px; measured in each image, or given by --diameter")
        print(f"  learnt on: {', '.join(learnt.name for learnt in card.sets)}")
        print(f"  licence:   {card.licence}")
        for score in card.scores:
            print(f"  score:     {score.describe()}")
