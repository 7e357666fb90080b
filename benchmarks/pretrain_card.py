"""The model file of ``pretrain.py``, with all that a user must know of a network that others trained."""

from unseam.heads import RidgeObjects
from unseam.model.model_file import ModelInfo, save_model
from unseam.nets import folded, without_normalisation


def save(file, net, run, network, sets, prepared, steps, seconds, about) -> None:
    head = RidgeObjects()
    info = ModelInfo(
        net=without_normalisation(net.config),
        normalise=run.normalise,
        head=head,
        objects=head.objects,
        average=run.average,
        masks="instances",
        class_names=("background", "object"),
        class_values=(0, 1),
    )
    save_model(file, folded(net), info)
