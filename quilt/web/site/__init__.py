"""The site face."""

from flask import Blueprint

site = Blueprint("site", __name__)

from quilt.web.site import (
    appeals,  # noqa: F401
    arrivals,  # noqa: F401
    challenges,  # noqa: F401
    comments,  # noqa: F401
    connections,  # noqa: F401
    contest_list,  # noqa: F401
    contest_spread,  # noqa: F401
    contests,  # noqa: F401
    draft_addresses,  # noqa: F401
    draft_texts,  # noqa: F401
    draft_videos,  # noqa: F401
    entries,  # noqa: F401
    head_letters,  # noqa: F401
    health,  # noqa: F401
    home,  # noqa: F401
    judging,  # noqa: F401
    ledger,  # noqa: F401
    letters_off,  # noqa: F401
    links,  # noqa: F401
    me,  # noqa: F401
    media,  # noqa: F401
    outbox,  # noqa: F401
    posting,  # noqa: F401
    privacy,  # noqa: F401
    receipts,  # noqa: F401
    results,  # noqa: F401
    share_kit,  # noqa: F401
    shares,  # noqa: F401
    spread,  # noqa: F401
    spread_export,  # noqa: F401
    standings,  # noqa: F401
    submit,  # noqa: F401
    tokens,  # noqa: F401
    vote_links,  # noqa: F401
    votes,  # noqa: F401
    webhooks,  # noqa: F401
    withdrawals,  # noqa: F401
)
