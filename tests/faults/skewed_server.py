"""The site on a host whose clock goes wrong by SKEW_SECONDS; with TRUSTS_HOST it also lets that clock decide.

The latter is the planted flaw: it stands here so that the test of the closing second can show that it would see it.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from quilt.votes import service
from quilt.web import clock

plan_vote = service.plan_vote


def tell_wrong_time() -> datetime:
    """What this host takes for the time."""
    return datetime.now(UTC) + timedelta(seconds=float(os.environ["SKEW_SECONDS"]))


def trusting_plan(*arguments: Any, now: Any, **more: Any) -> Any:
    """Let this host's clock say when the vote arrived."""
    return plan_vote(*arguments, now=tell_wrong_time(), **more)


def plant_flaw() -> None:
    """The clock goes wrong wherever it is asked, and decides where that is asked for."""
    true_time = clock.now
    for module in list(sys.modules.values()):
        if getattr(module, "now", None) is true_time:
            module.now = tell_wrong_time  # type: ignore[attr-defined]
    if os.environ.get("TRUSTS_HOST"):
        service.plan_vote = trusting_plan
