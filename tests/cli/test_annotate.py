"""``unseam annotate``: a mistake is one line, and nothing is made in a wrong folder."""

import subprocess
import sys
from pathlib import Path

import pytest

import unseam.api.annotate as api
from annotate.folders import project_in, raw_folder
from unseam.cli.app import IN_USE, USERS_MISTAKE, run


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.mark.parametrize(("name", "words"), [("none", "there is no such folder"), ("", "holds no image")])
def test_a_folder_that_cannot_be_annotated(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, words: str) -> None:
    assert run(["annotate", str(tmp_path / name), "--no-browser"]) == USERS_MISTAKE
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_file_instead_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.png").write_bytes(b"x")
    assert run(["annotate", str(tmp_path / "x.png"), "--no-browser"]) == USERS_MISTAKE
    assert "no such folder" in capsys.readouterr().err


def test_a_damaged_declaration_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = raw_folder(tmp_path)
    (folder / "annotate.toml").write_text("kind = 'planes'")
    assert run(["annotate", str(folder), "--no-browser"]) == USERS_MISTAKE
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "annotate.toml cannot be used" in err


def test_a_second_command_waits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with project_in(raw_folder(tmp_path)):
        assert run(["annotate", str(tmp_path), "--no-browser"]) == IN_USE
    assert "annotating" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "find_spec", lambda name: None)
    assert run(["annotate", str(raw_folder(tmp_path)), "--no-browser"]) == USERS_MISTAKE
    assert "pip install 'unseam[annotate]'" in capsys.readouterr().err
    assert not (tmp_path / ".annotate").exists()


def test_a_taken_port_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = ["annotate", str(raw_folder(tmp_path)), "--no-browser", "--no-learn", "--port", str(taken.getsockname()[1])]
        assert run(words) == USERS_MISTAKE
    assert "is taken by another program" in capsys.readouterr().err


def test_the_help_and_the_page_load_no_pytorch() -> None:
    program = (
        "import sys, unseam.annotate.server, unseam.annotate.project, unseam.cli.annotate; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
