"""The proof of work that the vote's form does in the background, and what it is good for."""

import time
from datetime import timedelta

from flask import Response, request

from quilt.extensions import limiter
from quilt.votes.challenges import (
    LoadMeter,
    Proof,
    check_solution,
    find_bits,
    find_delay,
    issue_challenge,
    name_network,
    use_challenge,
)
from quilt.web.clock import entropy, now
from quilt.web.json_bodies import answer_json
from quilt.web.lookups import get_head_or_404
from quilt.web.settings import get_settings
from quilt.web.site import site

_asked, _unproven = LoadMeter(), LoadMeter()


@site.get("/entries/<int:entry_id>/challenge")
@limiter.limit("600 per minute")
def show_challenge(entry_id: int) -> Response:
    """A fresh challenge; where very many come from one network, a harder one."""
    return answer_json(make_challenge(get_head_or_404(entry_id).id), 200)


def make_challenge(entry_id: int) -> dict[str, str | int]:
    """A challenge for this entry's form, as hard as the network of this request is busy."""
    asked = _asked.count(name_network(request.remote_addr or ""), time.monotonic())
    bits = find_bits(asked)
    challenge = issue_challenge(entry_id, bits, get_settings().secret_key, now(), entropy)
    return {"challenge": challenge, "bits": bits}


def read_proof(entry_id: int) -> Proof | None:
    """The work that this form brings; None where it brings none. Raises ChallengeRefused."""
    text = request.form.get("proof", "")
    if not text:
        return None
    nonce, proof = check_solution(text, entry_id, get_settings().secret_key, now())
    use_challenge(nonce, now())
    return proof


def find_letter_delay(proof: Proof | None) -> timedelta:
    """How much later the letter with the code leaves: at once for whoever did the work, and on a calm network."""
    if proof is not None:
        return timedelta()
    return find_delay(_unproven.count(name_network(request.remote_addr or ""), time.monotonic()))
