"""The site with a planted flaw: a vote is acknowledged a moment before it is kept.

It stands here so that the storms on SQLite can show that they would see it.
"""

import secrets
import threading
from datetime import UTC, datetime
from typing import Any

from flask import current_app

from quilt.arrivals.nodes import Node
from quilt.votes.rules import AlreadyVoted, Policy
from quilt.votes.service import Ballot, Receipt, cast_vote
from tests.faults.planted import plant

MOMENT = 0.9  # seconds


def early_cast(ballot: Ballot, policy: Policy, **more: Any) -> Receipt:
    """Tell at once, keep later: whatever dies between the two takes the vote with it."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def keep() -> None:
        with app.app_context():
            try:
                cast_vote(ballot, policy, **more)
            except AlreadyVoted:
                pass  # it was sent again

    threading.Timer(MOMENT, keep).start()
    return Receipt(secrets.token_hex(12), datetime.now(UTC), Node(0, "early000000", is_new=False))


def plant_flaw() -> None:
    """Votes are acknowledged early from now on."""
    plant(early_cast)
