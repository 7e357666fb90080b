"""Calls that may not stand in the package: what would run code from a file, start a program, or write past the one writer."""

import ast
from pathlib import Path

import pytest

import unseam

ROOT = Path(unseam.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

NO_IMPORT = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml", "runpy", "code", "imp", "pty", "telnetlib"}
NO_CALL = {
    *("eval", "exec", "compile", "__import__", "torch.load", "torch.hub.load", "torch.jit.load", "torch.save", "os.system"),
    *("os.popen", "os.execv", "os.execvp", "os.spawnv", "tempfile.mktemp", "np.fromfile", "np.memmap", "tifffile.memmap"),
    "importlib.reload",
}
NO_METHOD = {"extractall", "extract", "tofile", "loadtxt"}
PICKLE_OFF = {"np.load", "numpy.load", "read_array", "header.read_array", "np.lib.format.read_array"}
"""May be called only with ``allow_pickle=False`` written out."""

SAVES = {"np.save", "np.savez", "np.savez_compressed"}
"""May be called only with ``stream``, which lies in memory."""

OWN_BYTES = {"sharing/torch_files.py": {"torch.save", "torch.load", "torch.jit.load"}}
"""Files of PyTorch that we export: written into memory, and read back from there. No file of anybody else comes here."""

STARTS_PROGRAMS = {"io/decoder_process.py", "annotate/server/trainer.py"}
WRITES = {"io/disk.py"}
"""The one place of calls that change the disk. Beside it: the null device, and a lock that is held open."""
MAY_OPEN = WRITES | {"io/lock.py", "io/unfinished.py", "cli/app.py", "cli/signals.py", "cli/streams.py"}
MAY_REMOVE = WRITES | {"io/lock.py"}
_WRITERS = {"write_text", "write_bytes", "touch", "symlink_to", "hardlink_to"}
_REMOVERS = {"unlink", "rmdir", "rename"}
_OS_WRITERS = {"os.replace", "os.rename", "os.remove", "os.unlink", "os.rmdir", "os.link", "os.symlink", "os.truncate"}


def found(text: str, name: str) -> list[str]:
    """What is forbidden in a file of this name, with its line."""
    guilty = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            guilty += [(node, f"imports {n}") for n in names if n.split(".")[0] in NO_IMPORT]
            starts = {"subprocess", "multiprocessing"} & {n.split(".")[0] for n in names}
            guilty += [(node, f"imports {n}") for n in starts if name not in STARTS_PROGRAMS]
        elif isinstance(node, ast.Call):
            reason = _of_call(node, name)
            guilty += [(node, reason)] if reason else []
    return [f"{name}:{node.lineno} {reason}" for node, reason in guilty]


def _of_call(node: ast.Call, name: str) -> str | None:
    called = ast.unparse(node.func)
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    words = {k.arg: ast.unparse(k.value) for k in node.keywords}
    if called in OWN_BYTES.get(name, ()):
        in_memory = "stream" if called == "torch.save" else "io.BytesIO(data)"
        return None if in_memory in map(ast.unparse, node.args) else f"calls {called} with a file"
    if called in NO_CALL or method in NO_METHOD:
        return f"calls {called}"
    if (called in PICKLE_OFF or method == "read_array") and words.get("allow_pickle") != "False":
        return f"calls {called} without allow_pickle=False"
    if words.get("shell", "False") != "False" or words.get("weights_only", "True") != "True":
        return f"calls {called} with {words}"
    if called in SAVES and ast.unparse(node.args[0]) != "stream":
        return f"calls {called} with a file"
    if called == "os.open" and name not in MAY_OPEN:
        return "calls os.open"
    if (
        (called == "open" or method == "open")
        and called != "os.open"
        and name not in WRITES
        and _mode(node, called) - set("rbt")
    ):
        return f"opens for writing: {ast.unparse(node)}"
    if method in _WRITERS and name not in WRITES:
        return f"calls {called}"
    if (called in _OS_WRITERS or (method in _REMOVERS and not called.startswith(("os.", "disk.")))) and name not in MAY_REMOVE:
        return f"calls {called}"
    return None


def _mode(node: ast.Call, called: str) -> set[str]:
    """Letters of the mode of an ``open``; of a mode that is computed, one that no mode may have."""
    place = 1 if called == "open" else 0
    modes = [k.value for k in node.keywords if k.arg == "mode"] or node.args[place : place + 1]
    if not modes:
        return set()
    if isinstance(modes[0], ast.Constant):
        return set(str(modes[0].value))
    return set() if called.startswith("archive.") else {"?"}  # a member of a ZIP, which is opened for reading only


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_of_the_package_has_one(path: Path) -> None:
    assert found(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()) == []


@pytest.mark.parametrize(
    "text",
    [
        *("import pickle", "from pickle import loads", "import yaml", "import subprocess", "from multiprocessing import Pool"),
        *("eval('1')", "exec(text)", "__import__(name)", "torch.load(path)", "torch.load(path, weights_only=False)"),
        *("os.system('ls')", "archive.extractall(folder)", "tar.extract(member)", "np.load(path)", "np.memmap(path)"),
        *("np.load(path, allow_pickle=True)", "format.read_array(stream)", "run(words, shell=True)", "np.save(path, a)"),
        *("open(path, 'w')", "open(path, mode='ab')", "path.open('wb')", "path.open('r+b')", "open(path, mode)"),
        *("path.write_text('')", "path.write_bytes(b'')", "os.open(path, flags)", "os.replace(a, b)", "path.unlink()"),
    ],
)
def test_each_would_be_found(text: str) -> None:
    assert found(text, "nets/unet.py")


@pytest.mark.parametrize("text", ["open(path)", "path.open('rb')", "np.load(p, allow_pickle=False)", "text.replace('a', 'b')"])
def test_what_only_reads_is_let_through(text: str) -> None:
    assert found(text, "nets/unet.py") == []
