"""A network that ships is found by its name; what lies on the disk under that name wins."""

from pathlib import Path

import pytest

import unseam
import unseam.networks as room
from reference.shipped import bright_info, ship
from unseam.errors import ModelFileError
from unseam.model import Model
from unseam.networks import find_model, name_if_shipped, reading_shipped, shipped_networks


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty working folder, beside a package that ships the networks cells and nuclei."""
    for name in ("nuclei", "cells"):
        (tmp_path / "networks").mkdir(exist_ok=True)
        ship(tmp_path / "networks", name)
    (tmp_path / "networks/notes.txt").write_text("no network")
    monkeypatch.setattr(room, "files", lambda _: tmp_path / "networks")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_every_model_file_in_the_folder_ships_and_nothing_else_does(here):
    assert list(shipped_networks()) == ["cells", "nuclei"]


def test_the_networks_of_this_package_can_be_loaded_and_state_their_terms():
    for name in shipped_networks():
        card = Model.load(name, "cpu").info.release
        assert card is not None
        assert card.name == name
        assert card.purpose
        assert card.licence
        assert card.sets
        assert all(learnt.licence and learnt.credit for learnt in card.sets)


def test_all_networks_together_leave_the_wheel_below_15_mb():
    assert sum(path.stat().st_size for path in shipped_networks().values()) < 12_000_000


def test_a_name_finds_what_ships(here):
    assert find_model("nuclei") == here.parent / "networks/nuclei.safetensors"
    assert unseam.load("nuclei").info.release.purpose == "bright discs"


def test_a_file_and_a_run_folder_of_that_name_win_and_a_folder_of_images_does_not(here):
    (here / "cells").mkdir()
    assert name_if_shipped(find_model("cells")) == "cells"
    ship(here / "cells", "model", bright_info(None))
    assert find_model("cells") == Path("cells/model.safetensors")
    assert unseam.load("cells").info.release is None
    (here / "nuclei").write_bytes(b"")
    assert find_model("nuclei") == Path("nuclei")


@pytest.mark.parametrize("given", ["./nuclei", "nuclei.safetensors", "a/nuclei"])
def test_what_is_clearly_a_path_is_never_a_name(given, here):
    assert str(find_model(given)) == str(Path(given))
    with pytest.raises(ModelFileError, match=r"not a model file\. Give model\.safetensors.*No such file"):
        Model.load(given)


@pytest.mark.parametrize(
    ("given", "meant"), [("nuclie", "Did you mean 'nuclei'?"), ("cels", "Did you mean 'cells'?"), ("zebra", "cells, nuclei.")]
)
def test_an_unknown_name_is_one_line_with_what_was_meant(given, meant, here):
    with pytest.raises(ModelFileError, match=r"a network that ships: cells, nuclei\.") as caught:
        Model.load(given)
    assert str(caught.value).endswith(meant)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_one_line_that_says_what_mends_it(here):
    path = here.parent / "networks/cells.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 64
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=r"damaged.*It ships with unseam: install unseam again\.$"):
        Model.load("cells")
    with pytest.raises(ModelFileError, match="check sum") as caught, reading_shipped("nuclei"):
        Model.load(path)  # a file of the user's is not the package's
    assert "install" not in str(caught.value) or "cells" in str(caught.value)


def test_without_any_network_an_unknown_name_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "files", lambda _: tmp_path)
    with pytest.raises(ModelFileError, match="no network ships with this package"):
        find_model("nuclei")
