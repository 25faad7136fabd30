"""Taking a vote back, from one's own page."""

from flask import Response, abort, flash, make_response, redirect, url_for
from flask_login import current_user

from quilt.votes.rules import NotRevocable
from quilt.votes.withdrawing import NoSuchVote, withdraw_vote
from quilt.web.guards import signed_in_only
from quilt.web.site import site
from quilt.web.words import describe_vote_refusal


@site.post("/votes/<receipt>/withdraw")
@signed_in_only
def take_vote_back(receipt: str) -> Response:
    """Take the vote back where the rules allow it; the ledger keeps it as withdrawn."""
    try:
        withdraw_vote(receipt, current_user.id)
    except NoSuchVote:
        abort(404, "You have no vote with this receipt.")
    except NotRevocable as refusal:
        flash(describe_vote_refusal(refusal, refusal.time_zone)[1], "warn")
    else:
        flash("Your vote is taken back.", "good")
    return make_response(redirect(url_for("site.show_me") + "#votes-title", 303))
