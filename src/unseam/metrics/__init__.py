"""How good a segmentation is, in the figures of the paper's tables and in those that users ask for.

Each metric is a frozen dataclass that is called with a predicted and a true map, and returns a small score;
the closed list is :data:`Metric`. All of them read one contingency table, in which pixels that nobody
annotated do not occur. Where there is nothing to be right or wrong about, a figure is NaN, and it is left
out of every mean.
"""

from unseam.metrics.aggregated_jaccard import AggregatedJaccard, AggregatedJaccardScore
from unseam.metrics.average_precision import AveragePrecision, AveragePrecisionScore
from unseam.metrics.bootstrap import Bootstrap, Interval, Intervals
from unseam.metrics.calibration import CalibrationError, CalibrationScore, ReliabilityBin
from unseam.metrics.contingency import Contingency, contingency_of_class_maps, contingency_of_instance_maps
from unseam.metrics.det import DET, DETScore
from unseam.metrics.dice import Dice, DiceScore
from unseam.metrics.evaluate import ImagePair, evaluate_class_maps, evaluate_instance_maps
from unseam.metrics.iou import IoU, IoUScore
from unseam.metrics.object_scores import ObjectScore, ObjectScores
from unseam.metrics.panoptic_quality import PanopticQuality, PanopticScore
from unseam.metrics.pixel_error import PixelError, PixelScore
from unseam.metrics.precision_recall import PrecisionRecall, PrecisionRecallScore
from unseam.metrics.rand_error import RandError, RandScore
from unseam.metrics.score import Score
from unseam.metrics.seg import SEG, SEGScore
from unseam.metrics.surface_distance import SurfaceDistance, SurfaceScore
from unseam.metrics.table import Row, Scores
from unseam.metrics.threshold_scan import ThresholdPoint, ThresholdScan, ThresholdScanScore
from unseam.metrics.thresholds import CHALLENGE_THRESHOLDS, BestOverThresholds
from unseam.metrics.topology_errors import Mistake, TopologyError
from unseam.metrics.v_info import VInfo, VInfoScore
from unseam.metrics.v_rand import VRand, VRandScore
from unseam.metrics.warping_error import WarpingError, WarpingScore

Metric = (
    PixelError | IoU | Dice | RandError | SEG | ObjectScores
    | AveragePrecision | PanopticQuality | AggregatedJaccard
    | PrecisionRecall | SurfaceDistance
    | WarpingError | VRand | VInfo | DET
)  # fmt: skip
"""The closed list: a new metric is one file and one name here."""

ProbabilityMetric = CalibrationError | ThresholdScan
"""The same for those that are called with probabilities (K, H, W) instead of a predicted map."""

__all__ = [
    "Metric",
    "PixelError", "PixelScore",
    "RandError", "RandScore",
    "SEG", "SEGScore",
    "IoU", "IoUScore",
    "Dice", "DiceScore",
    "ObjectScores", "ObjectScore",
    "AveragePrecision", "AveragePrecisionScore",
    "PanopticQuality", "PanopticScore",
    "AggregatedJaccard", "AggregatedJaccardScore",
    "PrecisionRecall", "PrecisionRecallScore",
    "SurfaceDistance", "SurfaceScore",
    "WarpingError", "WarpingScore", "TopologyError", "Mistake",
    "VRand", "VRandScore",
    "VInfo", "VInfoScore",
    "DET", "DETScore",
    "BestOverThresholds", "CHALLENGE_THRESHOLDS",
    "ProbabilityMetric",
    "CalibrationError", "CalibrationScore", "ReliabilityBin",
    "ThresholdScan", "ThresholdScanScore", "ThresholdPoint",
    "Contingency", "contingency_of_class_maps", "contingency_of_instance_maps",
    "Score", "Scores", "Row",
    "Bootstrap", "Interval", "Intervals",
    "ImagePair", "evaluate_class_maps", "evaluate_instance_maps",
]  # fmt: skip
