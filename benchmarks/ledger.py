"""How fast the ledger is: a head over a million leaves, a proof, and the verifier over the public files.

usage: python -m benchmarks.ledger [--leaves 1000000] [--heads 1000] [--only tree,signing,verify]

The limits beside the figures hold for the full size. Milliseconds of processor time stand beside those of the
clock: on a busy machine only they tell much.
"""

import argparse
import hashlib
import json
import math
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.aims import Aims
from quilt.config import ROOT
from quilt.ledger.heads import FIRST_PREVIOUS, TreeHead, encode_head, hash_head, name_key, sign_head
from quilt.ledger.leaves import COUNTED, DecisionLeaf, VoteLeaf, encode_leaf
from quilt.ledger.proofs import build_consistency, build_inclusion, check_consistency, check_inclusion
from quilt.ledger.receipts import Receipt, sign_receipt
from quilt.ledger.terms import Terms, build_policy
from quilt.ledger.tree import Edge, Levels, hash_leaf

Result = TypeVar("Result")
CONTEST, ENTRIES = "bench", 200
START = datetime(2026, 5, 1, tzinfo=UTC)
HEAD_LIMIT_MS, PROOF_LIMIT_MS, VERIFY_LIMIT_MS, PROOFS = 3_000, 5, 60_000, 2_000
TERMS = Terms(CONTEST, ("email",), (), 3, 3, 0, ("draw",), "a lottery after the close")
# Runs a script and says on stderr what it used: seconds of processor, and the peak of its memory in kB (Linux).
WATCHED = """
import re, runpy, sys, time
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    status = open("/proc/self/status").read()
    print(time.process_time(), re.search(r"VmHWM:\\s+(\\d+)", status)[1], file=sys.stderr)
    sys.exit(end.code)
"""
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = KEY.public_key().public_bytes_raw()


def main() -> None:
    options = read_options()
    print(f"# {platform.machine()}, Python {platform.python_version()}, {options.leaves:,} leaves")
    wanted, aims = options.only.split(","), Aims()
    lines = list(write_leaves(options.leaves, options.heads)) if {"tree", "verify"} & {*wanted} else []
    if "tree" in wanted:
        measure_tree(lines, aims)
    if "signing" in wanted:
        measure_signing()
    if "verify" in wanted:
        measure_verifier(lines, options.heads, aims)
    sys.exit(aims.sum_up())


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--heads", type=int, default=1_000)
    parser.add_argument("--only", default="tree,signing,verify")
    return parser.parse_args(arguments)


def measure_tree(lines: Sequence[bytes], aims: Aims) -> None:
    head = HEAD_LIMIT_MS
    hashes = measure("hash the leaves", lambda: [hash_leaf(line) for line in lines])
    tree = measure("build all levels and the head", lambda: build_levels(hashes), aims, head)
    edge = measure("the same by the right edge only", lambda: append_all(hashes), aims, head)
    assert edge.root() == tree.root()
    measure("the head from stored levels", tree.root, aims, head)
    batch = hashes[:1_000]
    measure(f"append {len(batch):,} leaves to the edge and the head", lambda: append_all(batch, edge).root())
    chance = random.Random(7)
    places = [chance.randrange(len(hashes)) for _ in range(PROOFS)]
    root = tree.root()
    paths = measure(
        "an inclusion proof", lambda: [build_inclusion(place, tree.size, tree.read) for place in places],
        aims, PROOF_LIMIT_MS, PROOFS,
    )  # fmt: skip
    measure(
        "check an inclusion proof",
        lambda: [
            check_inclusion(hashes[place], place, tree.size, path, root)
            for place, path in zip(places, paths, strict=True)
        ],
        times=PROOFS,
    )
    old = [place + 1 for place in places]
    steps = measure(
        "a consistency proof", lambda: [build_consistency(size, tree.size, tree.read) for size in old],
        aims, PROOF_LIMIT_MS, PROOFS,
    )  # fmt: skip
    for size, step in list(zip(old, steps, strict=True))[:50]:
        check_consistency(size, tree.size, tree.root(size), root, step)


def measure_signing(rounds: int = 2_000) -> None:
    voter, at, key = hashlib.sha256(b"voter").digest(), START, name_key(PUBLIC)
    receipts = [
        Receipt(CONTEST, f"R{number}", 17, "", "email", at, at, number.to_bytes(32, "big"), voter, key)
        for number in range(rounds)
    ]
    measure("write a leaf", lambda: [encode_leaf(receipt.leaf) for receipt in receipts], times=rounds)
    measure(
        "write and sign a receipt",
        lambda: [sign_receipt(receipt, KEY.sign) for receipt in receipts],
        times=rounds,
    )


def measure_verifier(lines: Sequence[bytes], heads: int, aims: Aims) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder, lines, heads)
        run_verifier(folder, aims)


def run_verifier(folder: Path, aims: Aims) -> None:
    """Let verify.py check the files in a folder, and tell how long that took. Raises AssertionError."""
    size = (folder / "ledger.ndjson").stat().st_size / 1e6
    heads = (folder / "heads.ndjson").read_bytes().count(b"\n")
    command = [sys.executable, "-c", WATCHED, str(ROOT / "static" / "verify.py"), str(folder)]
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = (time.perf_counter() - begun) * 1000
    assert done.returncode == 0, done.stdout
    processor, memory = map(float, done.stderr.split())
    tell(f"verify.py over {size:.0f} MB and {heads:,} heads", wall, processor * 1000, aims, VERIFY_LIMIT_MS)
    print(f"  its memory at most {memory / 1024:.0f} MB")


def write_leaves(count: int, batches: int) -> Iterator[bytes]:
    """Votes in batches, each followed by the decision that counts them."""
    chance = random.Random(11)
    for batch in range(batches):
        first, end = count * batch // batches, count * (batch + 1) // batches
        for _ in range(first, end - 1):
            hour = f"2026-05-{batch * 28 // batches + 1:02}T12Z"
            entry = int(chance.paretovariate(1)) % ENTRIES + 1
            yield encode_leaf(VoteLeaf(CONTEST, entry, "", "email", hour, chance.randbytes(32)))
        if end - first > 1:
            yield encode_leaf(DecisionLeaf(CONTEST, ((first, end - 2),), COUNTED, "rules", "plain", "1"))


def write_files(folder: Path, lines: Sequence[bytes], heads: int) -> None:
    policy = build_policy(TERMS, {})
    (folder / "policy.json").write_bytes(policy)
    (folder / "public_key").write_text(PUBLIC.hex() + "\n")
    (folder / "ledger.ndjson").write_bytes(b"".join(line + b"\n" for line in lines))
    edge, previous, written = Edge(), FIRST_PREVIOUS, []
    for number in range(heads):
        for line in lines[len(lines) * number // heads : len(lines) * (number + 1) // heads]:
            edge.append(hash_leaf(line))
        at, frozen = START + number * timedelta(minutes=10), hashlib.sha256(policy).digest()
        head = TreeHead(CONTEST, edge.size, edge.root(), at, previous, frozen, name_key(PUBLIC))
        written.append(encode_head(sign_head(head, KEY.sign)) + b"\n")
        previous = hash_head(head)
    (folder / "heads.ndjson").write_bytes(b"".join(written))
    (folder / "results.json").write_text(json.dumps(list_results(lines, edge.size, previous)))


def list_results(lines: Sequence[bytes], size: int, head_hash: bytes) -> dict[str, object]:
    """The results while the contest is open, counted here by plain means."""
    counted: dict[int, int] = {}
    for line in lines:
        fields = json.loads(line)
        if fields["kind"] == "vote":
            counted[fields["entry"]] = counted.get(fields["entry"], 0) + 1
    empty = {"recorded": 0, "held": 0, "rejected": 0, "withdrawn": 0}
    tally = [{"entry": entry, **empty, "counted": votes} for entry, votes in sorted(counted.items())]
    return {
        "v": 1, "contest": CONTEST, "size": size, "head": head_hash.hex(), "final": False, "draw": None,
        "tally": tally, "points": [], "out": [], "places": [],
    }  # fmt: skip


def build_levels(hashes: Sequence[bytes]) -> Levels:
    tree = Levels(hashes)
    tree.root()
    return tree


def append_all(hashes: Sequence[bytes], edge: Edge | None = None) -> Edge:
    grown = Edge(edge.size, edge.peaks) if edge else Edge()
    for leaf_hash in hashes:
        grown.append(leaf_hash)
    return grown


def measure(
    name: str,
    work: Callable[[], Result],
    aims: Aims | None = None,
    limit: float = math.inf,
    times: int = 1,
) -> Result:
    """What `work` returns; prints how long it took, `times` rounds in it, beside a limit that is one of the aims."""
    begun, used = time.perf_counter(), time.process_time()
    result = work()
    wall, processor = time.perf_counter() - begun, time.process_time() - used
    tell(name, wall * 1000 / times, processor * 1000 / times, aims, limit)
    return result


def tell(name: str, wall: float, processor: float, aims: Aims | None, limit: float) -> None:
    verdict = f"   limit {limit:,} ms: {aims.judge(name, wall <= limit)}" if aims else ""
    print(f"  {name:50} {wall:10,.3f} ms  ({processor:,.3f} ms of processor){verdict}", flush=True)


if __name__ == "__main__":
    main()
