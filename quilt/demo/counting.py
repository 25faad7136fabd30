"""The demo's ledger: opened when voting opens, with a head every few hours, as its worker would have signed them."""

import secrets
from collections.abc import Callable
from datetime import datetime

from quilt.config import Settings
from quilt.contests.freezing import freeze_contest
from quilt.integrity.verdicts import judge_batch
from quilt.votes.heads import open_ledger
from quilt.votes.keys import get_signing_key
from quilt.votes.sequencing import close_batch


class Count:
    """The ledger of the demo's contest."""

    def __init__(self, settings: Settings, contest_id: int, entropy: Callable[[int], bytes]) -> None:
        self._settings, self._contest_id, self._entropy = settings, contest_id, entropy
        self._key = get_signing_key(settings, secrets.token_bytes)  # a real one: nobody shall guess it

    def open(self, at: datetime) -> None:
        """Voting opens: the terms are frozen, and the empty ledger gets its first head."""
        freeze_contest(self._contest_id, at)
        open_ledger(self._contest_id, self._key, at)

    def close(self, at: datetime) -> None:
        """Write what has been cast and decided until now, and sign a head."""
        close_batch(
            self._contest_id, self._key, judge_batch, secret=self._settings.secret_key, now=lambda: at,
            entropy=self._entropy,
        )  # fmt: skip
