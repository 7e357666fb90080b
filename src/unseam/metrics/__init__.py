"""Scores of a segmentation: the figures of the paper's tables, and those that are usual in biomedical imaging.

Each metric is a frozen dataclass. The call with a predicted and a true map returns a small score. A metric states what it
``reads`` and how it pools images (``pooling``); its score describes its columns. Tables, legends and reports iterate over the
closed list :data:`Metric`. Most metrics read one contingency table, which has no unannotated pixels. A figure is NaN where
there is nothing to score, and every mean leaves it out.
"""

from unseam.metrics.aggregated_jaccard import AggregatedJaccard, AggregatedJaccardScore
from unseam.metrics.average_precision import AveragePrecision, AveragePrecisionScore
from unseam.metrics.bootstrap import Bootstrap, Interval, Intervals
from unseam.metrics.calibration import CalibrationError, CalibrationScore, ReliabilityBin
from unseam.metrics.contingency import Contingency, contingency_of_class_maps, contingency_of_instance_maps
from unseam.metrics.det import DET, DETScore
from unseam.metrics.evaluate import ImagePair, evaluate_class_maps, evaluate_instance_maps, every_metric, quick_metrics
from unseam.metrics.object_scores import ObjectScore, ObjectScores, PanopticQuality, PanopticScore
from unseam.metrics.overlap import Overlap, OverlapScore
from unseam.metrics.pixel_error import PixelError, PixelScore
from unseam.metrics.rand_error import RandError, RandScore
from unseam.metrics.score import Column, Counts, Reads, Score
from unseam.metrics.seg import SEG, SEGScore
from unseam.metrics.surface_distance import SurfaceDistance, SurfaceScore
from unseam.metrics.table import Row, Scores
from unseam.metrics.threshold_scan import ThresholdPoint, ThresholdScan, ThresholdScanScore
from unseam.metrics.thresholds import CHALLENGE_THRESHOLDS, BestOverThresholds, over_thresholds
from unseam.metrics.topology_errors import Mistake, TopologyError
from unseam.metrics.v_info import VInfo, VInfoScore
from unseam.metrics.v_rand import VRand, VRandScore
from unseam.metrics.warping_error import WarpingError, WarpingScore

Metric = (
    PixelError
    | Overlap
    | SEG
    | DET
    | ObjectScores
    | AveragePrecision
    | PanopticQuality
    | AggregatedJaccard
    | RandError
    | SurfaceDistance
    | WarpingError
    | VRand
    | VInfo
    | CalibrationError
    | ThresholdScan
)
"""The closed list, in the order of the columns in files. A new metric needs one file, its import and one line here."""

__all__ = [
    "Metric", "every_metric", "quick_metrics",
    "PixelError", "PixelScore",
    "Overlap", "OverlapScore",
    "SEG", "SEGScore",
    "DET", "DETScore",
    "ObjectScores", "ObjectScore",
    "AveragePrecision", "AveragePrecisionScore",
    "PanopticQuality", "PanopticScore",
    "AggregatedJaccard", "AggregatedJaccardScore",
    "RandError", "RandScore",
    "SurfaceDistance", "SurfaceScore",
    "WarpingError", "WarpingScore", "TopologyError", "Mistake",
    "VRand", "VRandScore",
    "VInfo", "VInfoScore",
    "CalibrationError", "CalibrationScore", "ReliabilityBin",
    "ThresholdScan", "ThresholdScanScore", "ThresholdPoint",
    "BestOverThresholds", "CHALLENGE_THRESHOLDS", "over_thresholds",
    "Contingency", "contingency_of_class_maps", "contingency_of_instance_maps",
    "Reads", "Column", "Score", "Counts", "Scores", "Row",
    "Bootstrap", "Interval", "Intervals",
    "ImagePair", "evaluate_class_maps", "evaluate_instance_maps",
]  # fmt: skip
