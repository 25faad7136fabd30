"""What a request tells of how a vote was cast, as far as the evidence rules may know it."""

from collections.abc import Mapping
from datetime import datetime

from quilt.arrivals.service import get_salt
from quilt.votes.evidence import Evidence, make_marks, pack_evidence
from quilt.web.clock import entropy
from quilt.web.plain import AnyRequest
from quilt.web.tickets import age_of
from quilt.web.visitors import MOST_AGENT, Visitor

LONGEST = 86_400.0  # seconds
SOONEST_PLAY = 1.0  # seconds from a page's making to the first moment of its film that anybody can have seen
DECOY = "message"  # a field of the vote's form that people do not see (templates/macros/vote.html)
Told = dict[str, bool | float | None]


def read_told(form: Mapping[str, str], nonce: bytes | None, now: datetime) -> Told:
    """What the page tells with its form, before the person is known; a session can keep it.

    `played` and `dwell` (milliseconds) come from the script; without it they are unknown. Nobody has had a page
    in view for longer than since it was made, or has played its film before it could be there.
    """
    form_age = None if nonce is None else min(LONGEST, age_of(nonce, now) / 1000)
    dwell = _read_seconds(form.get("dwell", ""))
    if dwell is not None and form_age is not None:
        dwell = min(dwell, form_age + 1.0)
    has_played = {"1": True, "0": False}.get(form.get("played", ""))
    if has_played and form_age is not None and form_age < SOONEST_PLAY:
        has_played = None
    return {
        "has_played": has_played,
        "dwell": dwell,
        "form_age": form_age,
        "by_link": bool(form.get("via")),
        "has_filled_decoy": bool(form.get(DECOY)),
    }


def gather_evidence(
    request: AnyRequest,
    visitor: Visitor,
    told: Mapping[str, bool | float | None],
    contest_key: bytes,
    now: datetime,
    code_wait: float | None = None,
) -> bytes:
    """The vote's evidence, packed: the request's address and its browser's name become pseudonyms here.

    `code_wait`: seconds from the sending of the code to its return.
    """
    language = request.headers.get("Accept-Language", "")[:MOST_AGENT]
    marks = make_marks(
        visitor.address, f"{visitor.user_agent}\n{language}", get_salt(now, entropy), contest_key
    )
    evidence = Evidence(
        marks,
        code_wait=code_wait,
        has_cookie=bool(visitor.codes),
        has_language=bool(language),
        **told,  # type: ignore[arg-type]
    )
    return pack_evidence(evidence)


def _read_seconds(milliseconds: str) -> float | None:
    if not (milliseconds.isascii() and milliseconds.isdecimal() and len(milliseconds) < 10):
        return None
    return min(LONGEST, int(milliseconds) / 1000)
