"""What we parse ourselves, each with sound input that is changed in its structure: trees of JSON and TOML, lines, words.

Check sums are made to fit, so that a change reaches what stands behind them.
"""

import json
import shutil
import zlib
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from torture import seeds
from torture.a_state import state_of
from torture.mutations import mutated, other_tree
from torture.probe import rng_of
from unseam.cli import app
from unseam.errors import UnseamError
from unseam.io import manifest
from unseam.io.append_journal import AppendJournal, pack, unpack
from unseam.io.large import open_large
from unseam.model.model_file import ModelInfo, read_info, save_model
from unseam.nets import UNetConfig
from unseam.recipes.default import default
from unseam.runs.checkpoints import Checkpoints
from unseam.runs.run_folder import read_history, read_run
from unseam.settings import encode, with_overrides
from unseam.training.observers import Validate
from unseam.training.observers.checkpoint import restore_checkpoint

Read = Callable[[], object]
KINDS = (
    *("model header", "manifest", "state.json", "journal", "array in a journal", "config.toml", "--set", "command line"),
    *("Zarr metadata", "history.csv"),
)
_LINES = (
    *("check data --model run --masks auto --ignore 255", "evaluate out truth", "report run --out page.html"),
    "info model.safetensors",
    "import net.caffemodel --out model --scale 255",
    "train data --out run --steps 10 --minutes 2.5 --folds 3 --set net.unet.depth=3 --device cpu",
    "train --resume --out run data",
    "predict run a.tif b.png --out out --tile 572 --save both --probabilities --skip-existing --engine torch",
    *("seams run a.tif", "demo --out demo"),
)
_SETTINGS = (
    *("training.steps=5", "net.unet.depth=3", "net.fcn.depth=2", "augment.elastic=false", "loss.dice.smooth=1"),
    *("loss.weighted_cross_entropy.class_weights=[1, 2]", 'data.masks="instances"', "training.minutes=1.5", "data.ignore=7"),
)
_VALUES = (
    *("1", "0", "-1", "1e400", "nan", "inf", "true", "false", '""', "''", "[]", "[1, 2, 3]", "{}", "{a = 1}", "1\n[x]\ny = 2"),
    *("9" * 400, "9" * 5000, "0x" + "f" * 5000, "[" * 2000, "[" * 300 + "]" * 300, "1979-05-27", "07:32:00", "0x10", "1_000"),
    *(
        '"\\u0000"',
        "é\u2028",
        "\udc80",
        "a" * 5000,
        "\0",
        "=",
        "..",
        ".",
        "a.b",
        "-",
        "--",
        "--out",
        "--set",
        "--out=",
        "--set=a",
    ),
    *("--tile", "--no-resume", "../..", "~", "@f"),
)

_LONGEST_LINE = 4100  # of the command line, which may repeat what came


@dataclass
class Parsers:
    """One kind of input after the other; whatever is wrong with it is an error of ours."""

    refusals: tuple[type[Exception], ...] = (UnseamError,)
    kinds: dict[str, Callable[[np.random.Generator], Read]] = field(default_factory=dict)
    read: Read = lambda: None

    def make(self, seed: int, index: int, folder: Path) -> tuple[Path, str]:
        """Make mutation ``index``; what it is of."""
        if not self.kinds:
            self.kinds = _kinds(folder / "parsed")
            for make in self.kinds.values():  # what is imported at the first reading is imported here
                _read_whatever_comes(make(rng_of(seed, 0)), self.refusals)
            assert tuple(self.kinds) == KINDS
        family = KINDS[index % len(KINDS)]
        self.read = self.kinds[family](rng_of(seed, index))
        return folder / "nothing", family

    def verdict(self, path: Path, family: str) -> str:
        """Parse it."""
        self.read()
        return "changed"


def _read_whatever_comes(read: Read, refusals: tuple[type[Exception], ...]) -> None:
    with suppress(*refusals):
        read()


def _kinds(home: Path) -> dict[str, Callable[[np.random.Generator], Read]]:
    """What makes a mutation of each kind of input, and gives what reads it."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    return {
        "model header": _model_header(home / "model.safetensors"),
        **_of_checkpoint(home / "checkpoints"),
        "journal": _journal(home / "journal"),
        "array in a journal": lambda rng: partial(unpack, _trees(pack(seeds.GREY), rng)),
        "config.toml": _config(home / "config.toml"),
        "--set": lambda rng: partial(with_overrides, default(), _words(_SETTINGS, rng)),
        "command line": lambda rng: partial(_command_line, _words(str(rng.choice(_LINES)).split(), rng)),
        "Zarr metadata": _zarr(home / "store.zarr"),
        "history.csv": _history(home / "history.csv"),
    }


def _command_line(words: list[str]) -> None:
    """What a command line is answered, up to where a verb would begin to work: nothing, or one line and exit code 2."""
    whole, said = app.app, StringIO()
    app.app = whole.parse_args
    try:
        with redirect_stderr(said), redirect_stdout(StringIO()):
            code = app.run(words)
    finally:
        app.app = whole
    assert (code, said.getvalue().count("\n")) in ((0, 0), (app.USERS_MISTAKE, 1)), said.getvalue()
    assert len(said.getvalue()) < _LONGEST_LINE
    if code:
        raise UnseamError("refused")


def _model_header(path: Path) -> Callable[[np.random.Generator], Read]:
    net = UNetConfig(first_width=2, depth=1)
    save_model(path, net.build(), ModelInfo(net=net))
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])

    def make(rng: np.random.Generator) -> Read:
        about = _trees(json.loads(header["__metadata__"]["unseam"]), rng)
        text = _text({**header, "__metadata__": {"unseam": json.dumps(about)}}, rng)
        path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
        return partial(read_info, path)

    return make


def _of_checkpoint(folder: Path) -> dict[str, Callable[[np.random.Generator], Read]]:
    store = Checkpoints(folder)
    store.save(state_of(1), Validate(None, 1), ["a"])
    place = folder / "step-000001"
    about, files = manifest.read_with_manifest(place)
    listed = place / manifest.MANIFEST

    def of_manifest(rng: np.random.Generator) -> Read:
        tree = _trees(about, rng)
        text = manifest.render_manifest(tree) if isinstance(tree, dict) and "sha256" not in tree else json.dumps(tree).encode()
        listed.write_bytes(text if rng.random() < 0.9 else mutated(text, [text], rng))
        return partial(manifest.read_with_manifest, place)

    def of_state(rng: np.random.Generator) -> Read:
        changed = {**files, "state.json": _text(_trees(json.loads(files["state.json"]), rng), rng)}
        return partial(restore_checkpoint, place, changed, state_of(0), Validate(None, 1), ["a"])

    return {"manifest": of_manifest, "state.json": of_state}


def _journal(path: Path) -> Callable[[np.random.Generator], Read]:
    def make(rng: np.random.Generator) -> Read:
        data = total_of = b"unseam journal 1\n"
        total = zlib.crc32(total_of)
        for number in range(4):
            text = _text(_trees({"chunk": number, "time": 1.5, "sums": [1, 2], "of": {"a": None}}, rng), rng)
            total = zlib.crc32(text, total)
            data += b"%08x %s\n" % (total, text)
        path.write_bytes(data if rng.random() < 0.7 else mutated(data, [data], rng))
        return read

    def read() -> None:
        with AppendJournal(path) as journal:
            list(journal.records())

    return make


def _config(path: Path) -> Callable[[np.random.Generator], Read]:
    def make(rng: np.random.Generator) -> Read:
        try:
            text = tomli_w.dumps(_trees(encode(default()), rng)).encode()
        except (TypeError, AttributeError, ValueError):  # what TOML has no word for
            text = tomli_w.dumps(encode(default())).encode()
        path.write_bytes(text if rng.random() < 0.7 else mutated(text, [text], rng))
        return partial(read_run, path)

    return make


def _zarr(store: Path) -> Callable[[np.random.Generator], Read]:
    from torture import zarr_stores

    zarr_stores.image(store, seeds.STACK, 3, "ZYX")
    files = {path: path.read_bytes() for path in sorted(store.rglob("zarr.json"))}

    def make(rng: np.random.Generator) -> Read:
        for path, before in files.items():
            path.write_bytes(before if rng.random() < 0.5 else _text(_trees(json.loads(before), rng), rng))
        return partial(open_large, store)

    return make


def _history(path: Path) -> Callable[[np.random.Generator], Read]:
    def make(rng: np.random.Generator) -> Read:
        rows = [["step", "seconds", "energy", "score", "foreground"], *([str(i), "1.5", "0.3", "nan", "0.2"] for i in range(5))]
        data = "\n".join(",".join(_words(row, rng) if rng.random() < 0.3 else row) for row in rows).encode(errors="replace")
        path.write_bytes(mutated(data, [data], rng))
        return partial(read_history, path)

    return make


def _trees(tree: Any, rng: np.random.Generator) -> Any:
    """The tree changed in one to three places."""
    for _ in range(int(rng.integers(1, 4))):
        tree = other_tree(tree, rng)
    return tree


def _text(tree: Any, rng: np.random.Generator) -> bytes:
    """A tree as JSON, of which now and then some letters are others."""
    text = json.dumps(tree).encode()
    return text if rng.random() < 0.8 else mutated(text, [text], rng)


def _words(words: Any, rng: np.random.Generator) -> list[str]:
    """Words taken out, doubled, replaced, put in, or with another value behind their sign of equality."""
    new = [str(word) for word in words]
    for _ in range(int(rng.integers(1, 4))):
        at, value = int(rng.integers(len(new) + 1)), str(_VALUES[int(rng.integers(len(_VALUES)))])
        kind = int(rng.integers(5))
        if kind == 0:
            new[at : at + 1] = []
        elif kind == 1:
            new[at:at] = [value]
        elif kind == 2:
            new[at : at + 1] = [value]
        elif kind == 3 and at < len(new):
            new[at] = f"{new[at].partition('=')[0]}={value}"
        elif at < len(new):
            new[at] = new[at].replace(new[at][: 1 + len(new[at]) // 2], value, 1)
    return new
