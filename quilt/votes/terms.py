"""The terms of a contest's count, as its ledger freezes them."""

from quilt.contests.models import Contest
from quilt.ledger.terms import Terms, build_policy


def name_ledger(slug: str) -> str:
    """What the ledger calls a contest: its address, which is 64 characters at most there."""
    return slug[:64]


def build_policy_file(contest: Contest) -> bytes:
    """The bytes of `policy.json` for a contest as it stands."""
    policy = contest.policy
    terms = Terms(
        contest=name_ledger(contest.slug), tiers=("email", "oauth", "passkey"), strong_tiers=("passkey",), places=1,
        runners_up=2, judges_share=0, tie_breaks=("draw",),
        draw_source="the first national lottery draw of the day after voting closes, in ascending order",
    )  # fmt: skip
    more: dict[str, object] = {
        "period": policy.period,
        "limit": policy.limit_count,
        "time_zone": contest.time_zone,
    }
    return build_policy(terms, more)
