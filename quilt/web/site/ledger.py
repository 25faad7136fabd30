"""The open count of a contest: its page, the files that anybody can recount it from, and proofs."""

from collections.abc import Callable
from datetime import datetime

import orjson
from flask import Response, abort, render_template, request

from quilt.config import ROOT
from quilt.contests.queries import ContestFacts
from quilt.contests.rules import Action, describe_instant, is_voting_over, list_windows, shows_counts
from quilt.extensions import limiter
from quilt.ledger.heads import decode_head
from quilt.votes.keys import SigningKey, get_signing_key
from quilt.votes.ledgers import (
    LedgerFacts,
    find_head,
    find_ledger,
    find_results,
    list_accounts,
    list_heads,
    list_public_keys,
    prove_consistency,
    prove_inclusion,
    read_leaf_hash,
    read_lines,
)
from quilt.votes.schedule import find_interval
from quilt.web.clock import entropy, now
from quilt.web.lookups import get_contest_or_404
from quilt.web.settings import get_settings
from quilt.web.site import site
from quilt.web.site.galleries import find_gallery
from quilt.web.site.kept import answer

NEWEST_HEADS = 12
FILES = (
    "policy.json",
    "public_key",
    "heads.ndjson",
    "head.json",
    "ledger.ndjson",
    "results.json",
    "verify.py",
)
_ADDRESS = "/contests/<slug>/ledger"


@site.get(_ADDRESS)
def show_ledger(slug: str) -> Response:
    """What the ledger proves and what not, what became of the votes, its heads and its files."""
    contest = get_contest_or_404(slug)
    ledger, moment = find_ledger(contest.id), now()
    gallery = find_gallery(slug)
    is_open = _is_open(contest, moment)
    page = render_template(
        "site/ledger.html",
        contest=contest,
        ledger=ledger,
        heads=[(head, _root_of(head.line)) for head in list_heads(contest.id, NEWEST_HEADS)],
        accounts=list_accounts(contest.id) if ledger and is_open else [],
        cards=gallery.cards if gallery else {},
        is_open=is_open,
        is_over=is_voting_over(contest.phases, now()),
        opens_text=_say_opening(contest),
        address=f"{get_settings().base_url}/contests/{slug}/ledger",
        minutes=round(find_interval(get_settings()).total_seconds() / 60, 1),
        key_name=get_key().name,
    )
    return answer(page)


@site.get(f"{_ADDRESS}/<any({', '.join(map(repr, FILES))}):file_name>")
@limiter.limit("60 per minute")
def download_ledger(slug: str, file_name: str) -> Response:
    """One of the files of docs/integrity.md. `size` asks for the leaves, or the results, below an earlier head."""
    contest = get_contest_or_404(slug)
    ledger = find_ledger(contest.id)
    if ledger is None:
        abort(404, "Voting has not begun in this contest, so it has no ledger yet.")
    if file_name in ("ledger.ndjson", "results.json") and not _is_open(contest, now()):
        abort(403, f"By the rules of this contest votes stay covered. {_say_opening(contest)}")
    response = _WRITERS[file_name](ledger)
    response.headers["Cache-Control"] = "public, no-cache"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@site.get(f"{_ADDRESS}/proof.json")
@limiter.limit("120 per minute")
def prove_leaf(slug: str) -> Response:
    """That leaf `leaf` stands below the head of `size` leaves (RFC 9162, section 2.1.3); the last one by default."""
    ledger = _get_ledger_or_404(slug)
    size = _read_number("size", ledger.size)
    index = _read_number("leaf", None)
    root = _get_root_or_404(ledger, size)
    if index >= size:
        abort(404, f"There is no leaf {index} below the head of {size} leaves. They are counted from 0.")
    proof = prove_inclusion(ledger.contest_id, index, size)
    leaf_hash = read_leaf_hash(ledger.contest_id, index)
    path = [node.hex() for node in proof.path]
    return _answer_json(
        {"index": index, "size": size, "leaf_hash": leaf_hash.hex(), "path": path, "root": root}
    )


@site.get(f"{_ADDRESS}/consistency.json")
@limiter.limit("120 per minute")
def prove_growth(slug: str) -> Response:
    """That the first `from` leaves begin the first `to` (section 2.1.4): nothing before was changed."""
    ledger = _get_ledger_or_404(slug)
    new = _read_number("to", ledger.size)
    old = _read_number("from", None)
    roots = [_get_root_or_404(ledger, size) for size in (old, new)]
    if old > new:
        abort(422, "The ledger only grows: `from` is not larger than `to`.")
    path = [node.hex() for node in prove_consistency(ledger.contest_id, old, new)]
    return _answer_json({"old": old, "new": new, "path": path, "old_root": roots[0], "new_root": roots[1]})


def get_key() -> SigningKey:
    """The key that signs heads and receipts here."""
    return get_signing_key(get_settings(), entropy)


def _is_open(contest: ContestFacts, moment: datetime) -> bool:
    """Whether votes may be counted by everybody now: where the rules cover them, when voting is over."""
    is_over = is_voting_over(contest.phases, moment)
    return is_over or (contest.policy.counts == "live" and shows_counts(contest.phases, moment))


def _say_opening(contest: ContestFacts) -> str:
    windows = list_windows(contest.phases, Action.VOTE)
    closes = describe_instant(windows[-1][1], contest.time_zone) if windows else "the end of voting"
    return f"The leaves and the tally are opened when voting closes: {closes}."


def _get_ledger_or_404(slug: str) -> LedgerFacts:
    ledger = find_ledger(get_contest_or_404(slug).id)
    if ledger is None:
        abort(404, "Voting has not begun in this contest, so it has no ledger yet.")
    return ledger


def _get_root_or_404(ledger: LedgerFacts, size: int) -> str:
    """The root of the head over so many leaves: proofs are given between signed heads only."""
    head = find_head(ledger.contest_id, size)
    if head is None:
        abort(404, f"No signed head has {size} leaves. heads.ndjson lists those there are.")
    return _root_of(head.line)


def _root_of(head_line: str) -> str:
    return decode_head(head_line.encode()).head.root.hex()


def _read_number(name: str, default: int | None) -> int:
    text = request.args.get(name, "")
    if not text and default is not None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        abort(422, f"`{name}` is a whole number from 0.")
    return int(text)


def _answer_json(fields: dict[str, object]) -> Response:
    response = Response(orjson.dumps(fields) + b"\n", mimetype="application/json")
    response.headers["Cache-Control"] = "public, no-cache"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _write_policy(ledger: LedgerFacts) -> Response:
    return Response(ledger.policy, mimetype="application/json")


def _write_keys(_ledger: LedgerFacts) -> Response:
    lines = [key.hex() + "\n" for key in list_public_keys(get_key())]
    return Response("".join(lines), mimetype="text/plain")


def _write_heads(ledger: LedgerFacts) -> Response:
    lines = [head.line + "\n" for head in list_heads(ledger.contest_id)]
    return Response("".join(lines), mimetype="application/x-ndjson")


def _write_head(ledger: LedgerFacts) -> Response:
    return Response(ledger.head_line + "\n", mimetype="application/json")


def _write_leaves(ledger: LedgerFacts) -> Response:
    size = _read_number("size", ledger.size)
    if size > ledger.size:
        abort(404, f"The ledger has {ledger.size} leaves below its last head.")
    lines = read_lines(ledger.contest_id, size) if request.method == "GET" else ()
    return Response((piece.encode() for piece in lines), mimetype="application/x-ndjson")


def _write_results(ledger: LedgerFacts) -> Response:
    body = find_results(ledger.contest_id, _read_number("size", ledger.size))
    if body is None:
        abort(404, "The results at that head are not kept any more. Ask without `size` for the last ones.")
    return Response(body, mimetype="application/json")


def _write_verifier(_ledger: LedgerFacts) -> Response:
    response = Response((ROOT / "static" / "verify.py").read_bytes(), mimetype="text/x-python")
    response.headers["Content-Disposition"] = 'attachment; filename="verify.py"'
    return response


_WRITERS: dict[str, Callable[[LedgerFacts], Response]] = {
    "policy.json": _write_policy,
    "public_key": _write_keys,
    "heads.ndjson": _write_heads,
    "head.json": _write_head,
    "ledger.ndjson": _write_leaves,
    "results.json": _write_results,
    "verify.py": _write_verifier,
}
