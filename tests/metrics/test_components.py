import numpy as np

from unseam.metrics.components import cells_of_class_maps


def test_by_hand():
    predicted = np.array([[1, 1, 0], [0, 0, 1], [1, 2, 1]], np.uint8)
    truth = np.array([[1, 255, 1], [0, 0, 1], [1, 1, 1]], np.uint8)
    predicted_cells, true_cells = cells_of_class_maps(predicted, truth, cell_class=1)
    assert predicted_cells.tolist() == [[1, 0, 0], [0, 0, 2], [3, 0, 2]]
    assert true_cells.tolist() == [[1, -1, 2], [0, 0, 2], [2, 2, 2]]
