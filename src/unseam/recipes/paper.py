"""The paper's training (section 3), as far as the paper describes it."""

from unseam.augment import Augment, Elastic, GreyValues, Mirror, Rotate
from unseam.nets import UNetConfig
from unseam.recipes.run import Run, TrainingSettings, WeightMap
from unseam.training.optim import SGD, Cosine


def paper() -> Run:
    """Train on one large tile per step, with momentum 0.99, the weight map, drop-out and elastic deformation.

    Source: paper, sections 2 and 3: the network of Fig. 1; input tile 572 px, a batch of one; SGD with momentum 0.99;
    w0 = 10, sigma = 5 px; elastic deformation on a 3x3 grid with 10 px; drop-out at the end of the contracting path.

    Departs: the paper gives no learning rate, number of steps or ranges of grey values; these are ours. The authors
    trained for 10 hours on a GPU of 2015; two laptop cores need days.
    """
    return Run(
        net=UNetConfig(first_width=64, depth=4, dropout=0.5),
        weight_map=WeightMap(w0=10.0, sigma=5.0, balance=1.0),
        augment=Augment(elastic=Elastic(grid=3, sigma=10.0), rotate=Rotate(), mirror=Mirror(), grey=GreyValues()),
        optimiser=SGD(learning_rate=1e-4, momentum=0.99),
        schedule=Cosine(warm_up=0.0, decay=False),
        training=TrainingSettings(
            steps=40_000, minutes=None, output_size=388, batch_size=1, clip_norm=None, precision="float32"
        ),
    )
