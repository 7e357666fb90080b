"""Files damaged by the thousand, the short form: one kind of error, no process lost, time and memory bounded."""

from pathlib import Path

import pytest

from torture.harness import check


@pytest.mark.parametrize("name", ["t08_model_file", "t09_tiff", "t10_pictures", "t10_arrays", "t23_names"])
def test_short_form(name: str, tmp_path: Path) -> None:
    check(name, tmp_path)
