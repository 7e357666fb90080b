"""Whatever a foreign decoder raises names the file."""

from pathlib import Path

import pytest

from unseam.errors import ImageReadError
from unseam.io.guard import decoding


@pytest.mark.parametrize("error", [KeyError("Strips"), SystemExit("no licence"), AssertionError("no licence")])
def test_the_file_is_named(error):
    words = rf"a\.xyz: no readable XYZ .*{type(error).__name__}: .*{error.args[0]}"
    with pytest.raises(ImageReadError, match=words), decoding(Path("a.xyz"), "XYZ picture"):
        raise error


def test_ctrl_c_passes():
    with pytest.raises(KeyboardInterrupt), decoding(Path("a.xyz"), "XYZ picture"):
        raise KeyboardInterrupt
