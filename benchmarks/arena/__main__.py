"""Which tool segments best after so many minutes on these few images? This product, StarDist, Cellpose, MONAI, nnU-Net.

    python benchmarks/arena DATA --minutes 5 --threads 2

DATA is a folder with the folders images and masks, whose files have equal names, or a folder of several such folders. A part
of the images trains, the judge holds out the rest. The first run of a tool installs it (some GB for all) into --cache; a tool
that cannot be installed or run is reported and skipped. A stopped run goes on where it stopped: a result is reused
while its code, versions, data and settings are the same. Writes a JSON file a run to OUT/arena, the table to OUT/arena.md and a
picture a set; all label maps stay in --cache.
"""

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contenders import PEERS, NotInstalled, Peer, PeerFailed, environment, read_maps, run_peer
from judge import FIGURES, score
from pictures import write_picture
from sets import ArenaSet, BadSet, find_sets, read_set, write_folders

from common import facts, num_cores, write_json
from results import (
    JUDGED_WITH,
    file_of,
    groups_of,
    is_finished,
    key_of,
    picture_name,
    plan_of,
    read_results,
    spread,
    table,
    tools_in_order,
)


def whole_numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def names(text: str) -> list[str]:
    return [one for one in text.split(",") if one]


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python benchmarks/arena", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--minutes", type=float, default=5.0, help="of training, for each run")
    parser.add_argument("--threads", type=int, default=num_cores(), help="all cores unless said otherwise")
    parser.add_argument("--seeds", type=whole_numbers, default=[0, 1, 2], help="of this product: 0,1,2")
    parser.add_argument("--peer-seeds", type=whole_numbers, default=[0], help="of each other tool: 0")
    parser.add_argument("--sets", type=names, metavar="A,B", help="only these folders of DATA")
    parser.add_argument("--peers", type=names, metavar="A,B", default=[peer.name for peer in PEERS],
        help=f"only these of {','.join(peer.name for peer in PEERS)}")  # fmt: skip
    parser.add_argument("--kind", choices=("auto", "objects", "classes"), default="auto",
        help="what the masks hold; auto: objects, if nearly every number is one connected part")  # fmt: skip
    parser.add_argument("--train", type=int, metavar="N", help="number of training images; half of them, at most 8")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "unseam-arena")
    options = parser.parse_args(words)
    unknown = set(options.peers) - {peer.name for peer in PEERS}
    if unknown:
        parser.error(f"there is no tool {', '.join(sorted(unknown))}; there are {', '.join(peer.name for peer in PEERS)}")
    if not 1 <= options.threads <= num_cores():
        parser.error(f"--threads {options.threads}: this process may use {num_cores()} cores")
    if options.minutes <= 0:
        parser.error("--minutes must be above 0")
    return options


def runs_of(arena_set: ArenaSet, options: argparse.Namespace) -> Iterator[tuple[Peer, int]]:
    for peer in PEERS:
        if peer.name not in options.peers:
            continue
        if arena_set.kind not in peer.kinds:
            print(f"{arena_set.name}: {peer.name} finds objects only, and these masks hold classes: skipped")
            continue
        for seed in options.seeds if peer.is_product else options.peer_seeds:
            yield peer, seed


def run_one(arena_set: ArenaSet, peer: Peer, plan: dict, cache: Path) -> dict:
    """Run a tool and judge it; the result as it is stored."""
    about = facts(*JUDGED_WITH)
    judged_with = {name: about["versions"][name] for name in JUDGED_WITH}  # type: ignore[index]
    python = environment(peer, cache)
    folders = write_folders(arena_set, cache / "sets" / f"{arena_set.name}-{arena_set.digest}")
    out = cache / "maps" / key_of(plan)
    settings = {name: plan[name] for name in ("minutes", "threads", "seed", "kind")}
    started = time.monotonic()
    told = run_peer(peer, python, folders, out, settings)
    whole = time.monotonic() - started
    truths = {stem: truth for stem, (_, truth) in arena_set.test.items()}
    pairs = list(zip(read_maps(out, truths), truths.values(), strict=True))
    each = {stem: score([pair], arena_set.kind) for stem, pair in zip(truths, pairs, strict=True)}
    versions = {**told["versions"], **({"unseam": about["versions"]["unseam"]} if peer.is_product else {})}  # type: ignore[index]
    return {
        **plan, "scores": score(pairs, arena_set.kind), "images": each, "steps": told["steps"], "note": told["note"],
        "seconds": {**told["seconds"], "whole_process": round(whole, 2)}, "picture": arena_set.is_public,
        **about, "versions": versions, "judged_with": judged_with,
    }  # fmt: skip


def draw(arena_set: ArenaSet, plans: list[dict], options: argparse.Namespace) -> None:
    """Draw what is in the cache. A picture that may not be passed on stays there."""
    done = [plan for plan in plans if (options.cache / "maps" / key_of(plan) / "run.json").exists()]
    if not done:
        return
    stem, (image, truth) = next(iter(arena_set.test.items()))
    maps = {"truth": truth}
    for plan in tools_in_order(done):
        maps[plan["peer"]] = read_maps(options.cache / "maps" / key_of(plan), {stem: truth})[0]
    place = (options.out if arena_set.is_public else options.cache) / "pictures" / picture_name(plans[0])
    write_picture(place, image, maps)
    print(f"{arena_set.name}: {place}")


def run_set(arena_set: ArenaSet, options: argparse.Namespace, absent: set[str]) -> int:
    """Run what is not finished; return how many runs failed. Tools that cannot be installed are added to ``absent``."""
    print(f"{arena_set.name}: {len(arena_set.train)} images train, {len(arena_set.test)} are held out, {arena_set.kind}")
    failed, plans = 0, []
    for peer, seed in runs_of(arena_set, options):
        plan = plan_of(arena_set, peer, options.minutes, options.threads, seed)
        file = file_of(options.out / "arena", plan)
        where = f"{arena_set.name}, {peer.name}, seed {seed}"
        if is_finished(file, plan):
            print(f"{where}: finished before")
            plans.append(plan)
            continue
        if peer.name in absent:
            continue
        print(f"{where}: {options.minutes:g} min ...", flush=True)
        try:
            result = run_one(arena_set, peer, plan, options.cache)
        except PeerFailed as problem:
            failed += 1
            absent |= {peer.name} if isinstance(problem, NotInstalled) else set()
            print(f"{where}: {problem}", file=sys.stderr, flush=True)
            continue
        write_json(file, result)
        plans.append(plan)
        shown = [f"{title} {spread([result['scores'][name]])}" for name, title in FIGURES[arena_set.kind].items()]
        print(f"{where}: {', '.join(shown)}", flush=True)
    if plans:
        draw(arena_set, plans, options)
    return failed


def main(words: list[str] | None = None) -> int:
    options = arguments(words)
    options.cache = options.cache.resolve()
    (options.out / "arena").mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    failed, absent = 0, set()
    try:
        for folder in find_sets(options.data):
            if options.sets is None or folder.name in options.sets:
                failed += run_set(read_set(folder, num_train=options.train, kind=options.kind), options, absent)
                (options.out / "arena.md").write_text(table(read_results(options.out / "arena")), encoding="utf-8")
    except BadSet as problem:
        print(problem, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; finished runs are kept, and the same command goes on with the others", file=sys.stderr)
        return 130
    print(f"{len(groups_of(read_results(options.out / 'arena')))} rows in {options.out / 'arena.md'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
