"""The page of a bioimage.io package: what the model is, how good, and what other programs do differently."""

from unseam.model.card import facts
from unseam.sharing.about_package import AboutPackage
from unseam.sharing.plain_form import PlainForm

_ROWS_OF_RUN = ("made", "parts", "seed")


def package_page(form: PlainForm, about: AboutPackage) -> str:
    """Return the page as Markdown. bioimageio.core asks for a heading "Validation"."""
    info, phase, halo = form.info, form.net.phase, form.halo
    rows = [(what, value) for what, value in facts(info) if what not in _ROWS_OF_RUN]
    table = "\n".join(f"| {what} | {_cell(value)} |" for what, value in rows)
    made = "the authors of the paper trained" if info.training.imported is not None else "was trained with unseam"
    inside = ", the mean over flips" if info.average == "flips" else ""
    maps = ", ".join(f"{index}: {_cell(name)}" for index, name in enumerate(info.map_names))
    return f"""# {about.title}

{info.kind_facts.segments.capitalize()} in two-dimensional images, by a network that {made}.

| | |
|---|---|
{table}
| licence of the weights | {about.licence or "not stated: ask the authors before you pass them on"} |

## Input and output

Input: grey values as they are in the file. The description scales them:
{form.grey.sentence}.

Output: maps of the size of the input, each from 0 to 1 ({maps}).
The mirrored border{inside} and the soft-max are inside the network.
{_objects(form)}
A part of an image gives the same pixels as the whole image if it begins at a multiple of {phase} px and brings {halo} px on
each side, which are cut off the result. The description says so (`halo`, `step`).

## Validation

{_scores(form)}
Check the model on images of your own that it was not trained on, with annotations: `unseam evaluate RESULTS MASKS`.

## What programs do with it

- A program that takes the percentiles of each tile instead of the whole image shows seams (QuPath does).
- Tiles that do not begin at multiples of {phase} px give slightly other values. The last tile of a row or column often
  does not: predict images whose sides are multiples of {phase} px, or the whole image at once.
- `model.safetensors` is the model itself: `unseam predict model.safetensors IMAGES --out OUT` is exact for every size.

If you publish results, please cite O. Ronneberger, P. Fischer, T. Brox: U-Net: Convolutional Networks for Biomedical Image
Segmentation. MICCAI 2015, LNCS 9351, 234-241.
"""


def _scores(form: PlainForm) -> str:
    record = form.info.training
    if record.score is None:
        return "Nothing was held out, so there is no score."
    return f"Score: {record.describe_score(4)}. What was scored: {_cell(record.held_out)}."


def _objects(form: PlainForm) -> str:
    """Return how objects are found, for people who do it in another program; empty for classes."""
    info = form.info
    if not info.kind_facts.has_objects:
        return ""
    about = dict(facts(info))
    how = f"{about['objects']} (head `{about['head']}`)"
    return f"\nObjects are not part of the output. unseam finds them in the foreground: {how}.\n"


def _cell(text: str) -> str:
    """Return text that neither ends a cell of a table nor begins a new line."""
    return " ".join(text.replace("|", "/").split())
