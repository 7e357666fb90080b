"""``unseam train``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from unseam.api.choices import RECIPES, MaskChoice
from unseam.cli.console import Console, Terminal

_RECIPES = f"{', '.join(f'{name} ({text})' for name, text in RECIPES.items())}, or the config.toml of another run."


def train(
    data: Path,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    recipe: Annotated[str | None, Parameter(help=_RECIPES)] = None,
    from_: Annotated[str | None, Parameter(name="--from", negative=())] = None,
    rescale: Annotated[bool, Parameter(negative=())] = False,
    steps: int | None = None,
    minutes: float | None = None,
    folds: int | None = None,
    masks: MaskChoice = "auto",
    ignore: int | None = None,
    volumes: Annotated[bool, Parameter(negative=())] = False,
    resume: Annotated[bool, Parameter(negative=())] = False,
    device: str = "auto",
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = (),
) -> bool:
    """Train a model on a folder of annotated images.

    On several GPUs or machines: torchrun --nproc-per-node 4 -m unseam train DATA --out cells/. Each step then uses the crops
    of all of them.

    Ctrl-C ends training early: the best weights so far become the model (with --folds, the finished folds), and the exit code
    is 0, so that a script continues. Before the first step there is no model, and the exit code is 130.

    Parameters
    ----------
    data
        Folder with images and masks: images/x.tif and masks/x.png, or another common layout.
    out
        Run folder to write: report.html, model.safetensors, config.toml, history.csv, curve.svg, held_out.npz, README.md.
    from_
        A trained network to begin with: a model file, a run folder, or one that ships, such as general. Its architecture and
        scaling of grey values stay; channels and classes may be others. nothing: weights are drawn. auto,
        the same as without --from: a network that ships, if it already finds the annotated objects; otherwise nothing.
    rescale
        With --from: resample the images to the pixel size of those that the network learnt from. Predict with --rescale, too.
    steps
        Number of steps.
    minutes
        Duration. Without --steps and --minutes: five minutes, or five minutes per fold.
    folds
        Cross-validation with this number of networks. Each is trained without one part of the images and scored on that part;
        predictions are the mean of all. They share --minutes and --steps. Also writes out_of_fold.json and out_of_fold.csv.
    masks
        What the masks hold, if the automatic choice is wrong.
    ignore
        Value in the masks that means "not annotated".
    volumes
        Each file is a volume (a stack of about cubic voxels): it is learnt in planes of three orientations, over which
        prediction averages. For masks of classes.
    resume
        Continue the run in --out. A larger --minutes or --steps trains it for longer.
    device
        auto, cpu, cuda, ...
    set_
        Any setting of config.toml, as path.to.setting=value; repeat for several.
    """
    from unseam.api.evaluate import Scores
    from unseam.api.training import ranks_here
    from unseam.api.training import train as train_model

    settings = [*set_]
    if masks != "auto":
        settings.append(f"data.masks={masks}")
    if ignore is not None:
        settings.append(f"data.ignore={ignore}")
    if volumes:
        settings.append("data.volumes=true")
    is_first, scores = ranks_here().is_first, list[Scores]()
    with Console(Terminal(stderr=True, quiet=not is_first)) as console:
        model = train_model(
            data,
            out=out,
            recipe=recipe,
            start=from_,
            rescale=rescale,
            steps=steps,
            minutes=minutes,
            folds=folds,
            settings=settings,
            device=device,
            resume=resume,
            watch=console.watch(on_scores=scores.append),
        )
    if not is_first:
        return True
    record, number = model.info.training, len(model.info.members)
    budget = f"{record.steps} steps in {record.seconds / 60:.1f} minutes"
    score = record.describe_score()
    if number:
        if scores:
            from unseam.cli.table import print_scores

            print("each image scored by the network that did not see it:")
            print_scores(scores[0])
        print(f"{number} network(s), {budget}" + (f"; out of fold: {score}" if score else ""))
    else:
        print(f"{budget}; {score + ' on the held-out part, ' if score else ''}best at step {record.best_step}")
    print(f"model: {out / 'model.safetensors'}")
    print(f"report: {out / 'report.html'}")
    print(f"next:  unseam predict {out} IMAGES --out OUT")
    return True
