"""The site on a host whose clock goes wrong by SKEW_SECONDS; with TRUSTS_HOST it also lets that clock decide.

The latter is the planted flaw: it stands here so that the test of the closing second can show that it would see it.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask

from quilt.web import clock

SKEW = timedelta(seconds=float(os.environ.get("SKEW_SECONDS", "0")))


def tell_wrong_time() -> datetime:
    """What this host takes for the time."""
    return datetime.now(UTC) + SKEW


clock.now = tell_wrong_time  # before the faces take it from there

from quilt.app import create_app
from quilt.votes import service

plan_vote = service.plan_vote


def trusting_plan(*arguments: Any, now: Any, **more: Any) -> Any:
    """Let this host's clock say when the vote arrived."""
    return plan_vote(*arguments, now=tell_wrong_time(), **more)


def build_app() -> Flask:
    """The application, with the flaw in it where that is asked for."""
    if os.environ.get("TRUSTS_HOST"):
        service.plan_vote = trusting_plan
    return create_app()
