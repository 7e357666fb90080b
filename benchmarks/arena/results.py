"""One JSON file a run, reused only while everything it follows from is the same; and the table of all of them."""

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from contenders import HERE, PEERS, Peer
from judge import FIGURES, LOWER_IS_BETTER
from sets import KNOWN, ArenaSet

JUDGED_WITH = ("scikit-image", "scipy", "numpy")
INTRODUCTION = """# The arena: this product and others on the same few images, for the same minutes

    python benchmarks/arena DATA

Each tool gets the same training images with masks, the same minutes of training and the same number of cores, no GPU and no
weights learnt elsewhere, and writes a label map for each held-out image. One judge scores all of them with scikit-image and
NumPy alone. The minutes are those of training. What a tool plans, compiles or converts before its first step (of this product
that is in the minutes), its import and its prediction are not in them.

Each figure is the mean over seeds, with the least and the most in brackets. The first row of a set is the best by its first
figure. SEG is the mean IoU of true objects with their match (0 without one), F1 and PQ count matches at an IoU above 0.5, mean
IoU leaves the background out, the adapted Rand error is scikit-image's, of the 4-connected components of the last class.
Lower is better for errors, higher for all else. One run of the same row strays by several hundredths: see the brackets.
"""


def plan_of(arena_set: ArenaSet, peer: Peer, minutes: float, threads: int, seed: int) -> dict[str, object]:
    """All that the figures follow from, but for the machine."""
    judged_with = "".join(importlib.metadata.version(name) for name in JUDGED_WITH)
    judge = hashlib.sha256((HERE / "judge.py").read_bytes() + judged_with.encode()).hexdigest()[:16]
    return {
        "set": arena_set.name, "kind": arena_set.kind, "data": arena_set.digest, "peer": peer.name, "plan": peer.plan,
        "code": peer.digest, "judge": judge, "minutes": minutes, "threads": threads, "seed": seed,
        "train": list(arena_set.train), "test": list(arena_set.test),
    }  # fmt: skip


def key_of(plan: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:16]


def file_of(out: Path, plan: dict[str, object]) -> Path:
    return out / "{set}-{peer}-{minutes:g}min-{threads}threads-seed{seed}.json".format(**plan)


def is_finished(file: Path, plan: dict[str, object]) -> bool:
    if not file.exists():
        return False
    found = json.loads(file.read_text(encoding="utf-8"))
    return all(found.get(name) == value for name, value in json.loads(json.dumps(plan)).items())


def read_results(out: Path) -> list[dict]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.glob("*.json"))]


def groups_of(results: Iterable[dict]) -> list[list[dict]]:
    """Runs that differ in the seed alone; those of other code or data are never averaged together."""
    groups: dict[tuple, list[dict]] = {}
    for result in results:
        versions = json.dumps(result["versions"], sort_keys=True)
        alike = ("set", "data", "judge", "minutes", "threads", "peer", "code")
        groups.setdefault((*(result[name] for name in alike), versions), []).append(result)
    return [sorted(group, key=lambda one: one["seed"]) for group in groups.values()]


def mean_of(group: Sequence[dict], figure: str) -> float | None:
    values = [one["scores"][figure] for one in group if one["scores"].get(figure) is not None]
    return float(np.mean(values)) if values else None


def spread(values: Sequence[float | None]) -> str:
    """Mean (least to most); the mean alone of one run."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    mean = f"{np.mean(known):.3f}"
    return mean if len(known) == 1 else f"{mean} ({min(known):.3f} to {max(known):.3f})"


def rank(group: Sequence[dict]) -> float:
    """The first figure of the set, the best first; tools without one last."""
    figure = next(iter(FIGURES[group[0]["kind"]]))
    value = mean_of(group, figure)
    return np.inf if value is None else value if figure in LOWER_IS_BETTER else -value


def table(results: Sequence[dict]) -> str:
    """All results as Markdown: a section for each set, budget and number of cores."""
    text, order = [INTRODUCTION], [*KNOWN, *sorted({one["set"] for one in results} - set(KNOWN))]
    for name in order:
        own = [group for group in groups_of(results) if group[0]["set"] == name]
        for minutes, threads in sorted({(group[0]["minutes"], group[0]["threads"]) for group in own}):
            rows = [group for group in own if (group[0]["minutes"], group[0]["threads"]) == (minutes, threads)]
            text += section(sorted(rows, key=rank), f"## {name}, {minutes:g} min, {threads} core{'s' * (threads != 1)}")
    text += ["## How it was measured", "", "| set | tool | seeds | date | processor | load | versions | commit |"]
    text += ["|---|---|---|---|---|---:|---|---|"]
    for group in sorted(
        groups_of(results), key=lambda rows: (order.index(rows[0]["set"]), rows[0]["peer"], rows[0]["minutes"])
    ):
        first, load = group[0], max(one["load_at_start"][0] for one in group)
        versions = ", ".join(f"{package} {version}" for package, version in first["versions"].items())
        seeds = ", ".join(str(one["seed"]) for one in group)
        cells = (name_of(first), f"{first['peer']}, {first['minutes']:g} min", seeds, first["date"], first["cpu"])
        text.append(f"| {' | '.join(cells)} | {load:.1f} | {versions} | {first['commit']} |")
    credits_ = [data.credit for data in KNOWN.values() if data.credit and any(one["set"] == data.name for one in results)]
    return "\n".join([*text, *(["", f"Data: {'; '.join(credits_)}."] if credits_ else [])]) + "\n"


def name_of(result: dict) -> str:
    return f"{result['set']} ({len(result['train'])} → {len(result['test'])} images)"


def section(rows: Sequence[Sequence[dict]], title: str) -> list[str]:
    first = rows[0][0]
    about = KNOWN[first["set"]].about if first["set"] in KNOWN else ""
    figures = FIGURES[first["kind"]]
    heads = ["tool", *figures.values(), "seeds", "steps", "preparing, s", "training, s", "predicting, s", "note"]
    text = [title, "", *([about, ""] if about else []), f"| {' | '.join(heads)} |"]
    text.append(f"|---|{'---:|' * (len(figures) + 5)}---|")
    for group in rows:
        cells = [group[0]["peer"], *(spread([one["scores"].get(figure) for one in group]) for figure in figures)]
        cells += [str(len(group)), f"{np.mean([one['steps'] for one in group]):,.0f}"]
        cells += [f"{np.mean([one['seconds'][what] for one in group]):.0f}" for what in ("preparing", "training", "predicting")]
        text.append(f"| {' | '.join(cells)} | {group[0]['note']} |")
    picture = f"![{first['set']}](pictures/{picture_name(first)})"
    return [*text, "", *([picture, ""] if first["picture"] else [])]


def picture_name(result: dict) -> str:
    return "arena_{set}_{minutes:g}min.png".format(**result)


def tools_in_order(results: Sequence[dict]) -> list[dict]:
    """One result of each tool, its first seed, in the order of the list of tools."""
    names = [peer.name for peer in PEERS]
    known = sorted((one for one in results if one["peer"] in names), key=lambda one: (names.index(one["peer"]), one["seed"]))
    return [one for i, one in enumerate(known) if one["peer"] not in {before["peer"] for before in known[:i]}]
