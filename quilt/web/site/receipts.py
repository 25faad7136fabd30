"""A receipt looked up by its number: what the ledger says of the vote, the proof step by step, the file to keep."""

from flask import Response, abort, make_response, redirect, render_template, request, url_for

from quilt.extensions import limiter
from quilt.ledger.heads import decode_head, name_key
from quilt.ledger.receipts import check_receipt
from quilt.ledger.refusals import LedgerRefused
from quilt.ledger.tree import hash_leaf
from quilt.votes.keys import verify_signature
from quilt.votes.ledgers import list_public_keys
from quilt.votes.receipts import FoundReceipt, ReceiptForgotten, find_receipt
from quilt.votes.schedule import find_promise
from quilt.web.proof_steps import list_steps
from quilt.web.settings import get_settings
from quilt.web.site import site
from quilt.web.site.ledger import get_key
from quilt.web.site.second_looks import find_second_look

LONGEST_NUMBER = 64  # of what somebody types or pastes


@site.get("/receipts")
@limiter.limit("120 per minute")
def look_up_receipt() -> Response:
    """The form that takes a receipt's number."""
    number = tidy_number(request.args.get("number", ""))
    if not number:
        return _answer("site/receipt_lookup.html", number="", problem="")
    if _find(number) is None:
        problem = "We have no receipt with that number. It has 24 characters: digits and the letters a to f."
        return _answer("site/receipt_lookup.html", 404, number=number, problem=problem)
    return redirect(url_for("site.show_receipt", number=number), 303)  # type: ignore[return-value]


@site.get("/receipts/<number>")
@limiter.limit("120 per minute")
def show_receipt(number: str) -> Response:
    """The vote behind a number, for whoever holds it, with its proof once there is one."""
    found = _get_or_404(number)
    return _answer("site/receipt.html", 200, look=find_second_look(number), **_describe(found))


@site.get("/receipts/<number>/receipt.json")
@limiter.limit("120 per minute")
def download_receipt(number: str) -> Response:
    """The signed receipt as docs/integrity.md has it; with its proof once the batch is closed."""
    response = _guard(Response(_get_or_404(number).file, mimetype="application/json"))
    response.headers["Content-Disposition"] = f'attachment; filename="receipt-{number}.json"'
    return response


def _describe(found: FoundReceipt) -> dict[str, object]:
    receipt, proof = found.signed.receipt, found.proof
    leaf_hash = hash_leaf(found.leaf_line.encode())
    head = decode_head(found.head_line.encode()) if found.head_line else None
    return {
        "found": found,
        "receipt": receipt,
        "leaf_hash": leaf_hash.hex(),
        "proof": proof,
        "head": head,
        "steps": list_steps(leaf_hash, proof.index, proof.size, proof.path) if proof else [],
        "problem": _check(found),
        "ledger_url": f"/contests/{found.contest_slug}/ledger",
        "file_url": url_for("site.download_receipt", number=found.number),
    }


def _check(found: FoundReceipt) -> str:
    """Check the receipt as anybody else would; '' where it holds, and while there is nothing to check yet."""
    if found.proof is None or found.head_line is None:
        return ""
    keys = {name_key(key): key for key in list_public_keys(get_key())}
    try:
        head = decode_head(found.head_line.encode())
        check_receipt(found.signed, found.proof, head, keys, verify_signature)
    except LedgerRefused as refusal:
        return str(refusal)
    return ""


def _get_or_404(number: str) -> FoundReceipt:
    found = _find(number)
    if found is None:
        abort(404, "We have no receipt with that number. It may be cut off: it has 24 characters.")
    return found


def _find(number: str) -> FoundReceipt | None:
    settings = get_settings()
    try:
        return find_receipt(number, get_key(), settings.secret_key, find_promise(settings))
    except ReceiptForgotten:
        abort(
            410,
            "The result has been final for more than a month, and the secret that opens this receipt was deleted "
            "as promised. "
            "The receipt that you saved still opens it: check it with verify.py.",
        )


def tidy_number(text: str) -> str:
    """What somebody typed, without the blanks that copying adds."""
    return "".join(text.split()).lower()[:LONGEST_NUMBER]


def _answer(template: str, status: int = 200, **facts: object) -> Response:
    return _guard(make_response(render_template(template, **facts), status))


def _guard(response: Response) -> Response:
    """The number is the proof: it goes to no cache, no search engine and no other site."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "same-origin"
    return response
