"""A whole small ledger, made with the core and signed with the package `cryptography`, and its public files."""

import hashlib
import importlib.util
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from quilt.ledger.commitments import blind_voter
from quilt.ledger.decisions import build_decisions
from quilt.ledger.heads import (
    FIRST_PREVIOUS,
    SignedHead,
    TreeHead,
    encode_head,
    hash_head,
    name_key,
    sign_head,
)
from quilt.ledger.leaves import COUNTED, HELD, RULES, Leaf, decode_leaf, encode_leaf
from quilt.ledger.proofs import build_inclusion
from quilt.ledger.receipts import InclusionProof, Receipt, SignedReceipt, encode_receipt, sign_receipt
from quilt.ledger.tally import encode_results, tally_leaves
from quilt.ledger.terms import Terms, build_policy
from quilt.ledger.tree import Levels, hash_leaf

CONTEST = "courage-2026"
START = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
TERMS = Terms(
    contest=CONTEST,
    tiers=("email", "oauth"),
    strong_tiers=("oauth",),
    places=2,
    runners_up=1,
    judges_share=0,
    tie_breaks=("draw",),
    draw_source="the numbers of the state lottery on 1 June 2026, in ascending order",
)
FILES = ("policy.json", "public_key", "heads.ndjson", "ledger.ndjson", "results.json")
VERIFIER = Path(__file__).resolve().parents[2] / "static" / "verify.py"


@dataclass
class Book:
    """A ledger in the making. `cast` a vote, `decide`, `close_batch`, then `publish`."""

    terms: Terms = TERMS
    lines: list[bytes] = field(default_factory=list)
    heads: list[SignedHead] = field(default_factory=list)
    tree: Levels = field(default_factory=Levels)
    chance: random.Random = field(default_factory=lambda: random.Random(5))
    policy: bytes = b""

    def __post_init__(self) -> None:
        self.policy = self.policy or build_policy(self.terms, {"title": "Courage – mutig"})

    def add(self, leaf: Leaf) -> int:
        self.lines.append(encode_leaf(leaf))
        self.tree.extend([hash_leaf(self.lines[-1])])
        return len(self.lines) - 1

    def cast(self, entry: int, tier: str = "email", period: str = "") -> tuple[int, SignedReceipt]:
        receipt = make_receipt(entry, tier, period, self.chance)
        return self.add(receipt.receipt.leaf), receipt

    def decide(self, votes: Iterable[int], state: str, actor: str = RULES, reason: str = "plain") -> None:
        for leaf in build_decisions(CONTEST, votes, state, actor, reason, "rules-1"):
            self.add(leaf)

    def close_batch(self) -> SignedHead:
        previous = hash_head(self.heads[-1].head) if self.heads else FIRST_PREVIOUS
        at = START + timedelta(minutes=10 * (len(self.heads) + 1))
        policy = hashlib.sha256(self.policy).digest()
        size = len(self.lines)
        head = TreeHead(CONTEST, size, self.tree.root(), at, previous, policy, name_key(PUBLIC))
        self.heads.append(sign_head(head, KEY.sign))
        return self.heads[-1]

    def prove(self, index: int) -> InclusionProof:
        size = self.heads[-1].head.size
        return InclusionProof(index, size, tuple(build_inclusion(index, size, self.tree.read)))

    def results(self, is_final: bool = True, value: str | None = None) -> bytes:
        tally = tally_leaves(map(decode_leaf, self.lines), self.terms)
        return encode_results(tally, self.terms, hash_head(self.heads[-1].head), is_final, value)

    def publish(self, folder: Path, is_final: bool = True, value: str | None = None) -> Path:
        folder.mkdir(exist_ok=True)
        (folder / "policy.json").write_bytes(self.policy)
        (folder / "public_key").write_text(PUBLIC.hex() + "\n")
        (folder / "heads.ndjson").write_bytes(b"".join(encode_head(head) + b"\n" for head in self.heads))
        (folder / "ledger.ndjson").write_bytes(b"".join(line + b"\n" for line in self.lines))
        (folder / "results.json").write_bytes(self.results(is_final, value))
        return folder


def make_receipt(
    entry: int = 7, tier: str = "email", period: str = "", chance: random.Random | None = None
) -> SignedReceipt:
    chance = chance or random.Random(1)
    salt = chance.randbytes(32)
    due = START + timedelta(minutes=14)
    at = START + timedelta(minutes=4)
    voter = blind_voter(salt, chance.randbytes(32))
    receipt = Receipt(
        CONTEST, f"R{chance.randrange(10**12)}", entry, period, tier, at, due, salt, voter, name_key(PUBLIC)
    )
    return sign_receipt(receipt, KEY.sign)


def make_book(votes: dict[int, int], held: int = 0, terms: Terms = TERMS) -> Book:
    """Two batches: so many counted votes for each entry, and `held` held ones of the first entry."""
    book = Book(terms)
    for entry, number in votes.items():
        cast = [book.cast(entry)[0] for _ in range(number)]
        book.decide(cast, COUNTED)
        if len(book.heads) == 0:
            book.close_batch()
    late = [book.cast(next(iter(votes)), "oauth")[0] for _ in range(held)]
    if late:
        book.decide(late, HELD, reason="lockstep")
    book.close_batch()
    return book


def make_example() -> tuple[Book, bytes]:
    """A book of every kind of leaf, and one receipt with its proof."""
    book = make_book({17: 5, 4: 3, 9: 3, 23: 1}, held=2)
    index, receipt = book.cast(9, "oauth", "2026-05-10")
    book.decide([index], COUNTED)
    book.close_batch()
    return book, encode_receipt(receipt, book.prove(index))


def verify_signature(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def load_verifier() -> ModuleType:
    """The verifier as a module, as Python would run it."""
    spec = importlib.util.spec_from_file_location("verify", VERIFIER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
