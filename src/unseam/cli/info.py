"""``unseam info``."""

import json
from typing import Annotated

from cyclopts import Parameter


def info(model: str, /, *, as_json: Annotated[bool, Parameter(name="--json", negative=())] = False) -> None:
    """Show what a model is and what it was trained on, and how a program loads its weights into the plain network.

    Parameters
    ----------
    model
        Run folder, model file, or a network that ships.
    as_json
        Print everything as JSON.
    """
    from unseam.api.models import encode, facts, loading_lines, read_model_info

    about = read_model_info(model)
    if as_json:
        print(json.dumps(encode(about), indent=2))
        return
    for what, value in facts(about):
        print(f"{what:30s}{value}")
    print("the network in Python:")
    for line in loading_lines(about, model):
        print(f"  {line}")
