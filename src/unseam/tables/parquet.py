"""Parquet, with ``unseam[parquet]``: types and all digits are kept, and millions of rows load in a moment."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from unseam.errors import OutputError
from unseam.io import write_bytes_whole


def write_parquet(columns: Mapping[str, np.ndarray], path: Path) -> None:
    """Write columns as a Parquet file, complete or not at all. Raises OutputError without pyarrow or if writing fails."""
    check_parquet(path)
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(pa.table({name: pa.array(column.tolist()) for name, column in columns.items()}), stream)
    write_bytes_whole(path, stream.getvalue())


def check_parquet(path: Path) -> None:
    """Raise OutputError if no Parquet can be written here, before anything is computed for it."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise OutputError(
            f"{path}: Parquet needs pyarrow, which is not installed. Run pip install 'unseam[parquet]', or give a name in .csv."
        ) from error
