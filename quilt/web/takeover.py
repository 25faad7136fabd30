"""What the owner of an address reads when somebody else had begun an account with it."""

from flask import flash

from quilt.accounts.service import Redeemed
from quilt.web.events import record_event

TAKEN_OVER = "We made this account yours and removed what was there before you confirmed it."


def tell_takeover(redeemed: Redeemed) -> None:
    """Say so on the next page, if that is what the proof did."""
    if redeemed.is_taken_over:
        record_event("account_taken_over")
        flash(TAKEN_OVER, "good")
