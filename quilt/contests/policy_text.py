"""A contest's policy in words that a voter understands, and as the bytes that the ledger is counted by."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from quilt.contests.rules import Action, PhaseLike, describe_instant, hash_rules, list_windows, name_place
from quilt.ledger.terms import DRAW, STRONGER, Terms
from quilt.ledger.terms import build_policy as build_terms

TIERS = {
    "email": "a code sent to an e-mail address",
    "oauth": "a sign-in with another service",
    "passkey": "a passkey",
}
STRONG_TIERS = ("oauth", "passkey")  # dearer to fake than an address
COUNTS = {
    "live": "Votes are shown as they come.",
    "hour": "Votes are shown as they stood at the last full hour.",
    "day": "Votes are shown as they stood at the last midnight in {place}.",
    "end": "Votes are counted from the start and shown when voting has closed.",
}
FORMULA = "(100 − J) · votes / most votes of any entry + J · points / most points of any entry"


class PolicyLike(Protocol):
    """The columns of a ballot policy: `limit_count` votes a `period` (None: as many as there are entries)."""

    @property
    def tiers(self) -> str: ...
    @property
    def period(self) -> str: ...
    @property
    def limit_count(self) -> int | None: ...
    @property
    def may_vote_for_own(self) -> bool: ...
    @property
    def revocable_until(self) -> datetime | None: ...
    @property
    def counts(self) -> str: ...
    @property
    def judges_share(self) -> int: ...
    @property
    def tie_breaks(self) -> str: ...
    @property
    def places(self) -> int: ...
    @property
    def runners_up(self) -> int: ...
    @property
    def draw_source(self) -> str: ...


class ContestLike(Protocol):
    """What of a contest goes into its policy."""

    @property
    def slug(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def time_zone(self) -> str: ...
    @property
    def rules_text(self) -> str: ...
    @property
    def rules_version(self) -> int: ...
    @property
    def phases(self) -> Sequence[PhaseLike]: ...
    @property
    def policy(self) -> PolicyLike: ...


def build_policy_json(contest: ContestLike) -> bytes:
    """`policy.json` as docs/integrity.md wants it: the terms of counting, and what voters were told besides.

    Takes a Contest or its facts. The bytes are the same for the same settings; once voting has opened they stand
    in `Contest.policy_json`, and those are the ones that count. Raises quilt.ledger.refusals.PolicyRefused.
    """
    policy = contest.policy
    tiers = split_list(policy.tiers)
    terms = Terms(
        contest=contest.slug,
        tiers=tiers,
        strong_tiers=tuple(tier for tier in tiers if tier in STRONG_TIERS),
        places=policy.places,
        runners_up=policy.runners_up,
        judges_share=policy.judges_share,
        tie_breaks=split_list(policy.tie_breaks),
        draw_source=policy.draw_source,
    )
    windows = list_windows(contest.phases, Action.VOTE)
    return build_terms(
        terms,
        {
            "title": contest.title,
            "time_zone": contest.time_zone,
            "voting": [[_spell(start), _spell(end)] for start, end in windows],
            "period": policy.period,
            "limit": policy.limit_count,
            "may_vote_for_own": policy.may_vote_for_own,
            "revocable_until": _spell(policy.revocable_until) if policy.revocable_until else None,
            "counts": policy.counts,
            "formula": FORMULA if policy.judges_share else None,
            "rules_version": contest.rules_version,
            "rules_sha256": hash_rules(contest.rules_text),
            "in_words": describe_policy(policy, contest.time_zone),
        },
    )


def describe_policy(policy: PolicyLike, zone: str) -> list[str]:
    """How votes count, as sentences; the first one says how often one may vote."""
    return [
        _describe_frequency(policy, name_place(zone)),
        "You may also vote for your own entry." if policy.may_vote_for_own else "Not for your own entry.",
        f"A vote counts once you have confirmed it by {_join([TIERS[tier] for tier in split_list(policy.tiers)])}.",
        _describe_revoking(policy, zone),
        COUNTS[policy.counts].format(place=name_place(zone)),
    ]


def describe_result(policy: PolicyLike) -> list[str]:
    """How places come of votes, as sentences."""
    winners = "The first place is" if policy.places == 1 else f"The first {policy.places} places are"
    sentences = [f"{winners} paid. {_describe_runners_up(policy.runners_up)}"]
    if policy.judges_share:
        sentences.append(
            f"Judges make up {policy.judges_share} % of a score (J): {FORMULA}. Votes and points each count in "
            "proportion to the highest of them."
        )
    else:
        sentences.append("The entry with the most counted votes is first, and so on. There are no judges.")
    if STRONGER in split_list(policy.tie_breaks):
        sentences.append(
            "Of entries that are level, the one with more votes confirmed by a stronger proof than an e-mail code "
            "is first."
        )
    still = "still level" if STRONGER in split_list(policy.tie_breaks) else "level"
    sentences.append(
        f"Entries that are {still} are drawn in order, in a way that anybody can repeat, with a public value of the "
        f"future: {policy.draw_source}"
    )
    return sentences


def split_list(text: str) -> tuple[str, ...]:
    """The names in a column that holds several: "stronger,draw" → ("stronger", "draw")."""
    return tuple(name for name in text.split(",") if name)


def check_tie_breaks(names: Sequence[str]) -> bool:
    """Whether ties can be broken by these, in this order: the draw decides in the end."""
    return tuple(names) in ((DRAW,), (STRONGER, DRAW))


def _describe_frequency(policy: PolicyLike, place: str) -> str:
    limit = policy.limit_count
    if policy.period == "contest":
        if limit is None:
            return "You may vote for as many entries as you like, once for each."
        if limit == 1:
            return "You may vote for one entry, once."
        return f"You may vote for up to {limit} entries, once for each."
    span = "day" if policy.period == "day" else "week"
    counted = f"counted in {place}’s time" + ("" if span == "day" else ", Monday to Sunday")
    if limit is None:
        return f"You may vote once a {span} for each entry, {counted}."
    if limit == 1:
        return f"You may vote for one entry a {span}, {counted}."
    return f"You may vote for up to {limit} entries a {span}, once for each, {counted}."


def _describe_revoking(policy: PolicyLike, zone: str) -> str:
    if policy.revocable_until is None:
        return "A vote that was cast stays cast."
    until = describe_instant(policy.revocable_until, zone)
    again = "" if policy.limit_count is None else " The vote is free for another entry then;"
    span = {"contest": "", "day": " on that day", "week": " in that week"}[policy.period]
    return (
        f"You may take a vote back until {until}.{again} for the same entry it cannot be given again{span}."
        if again
        else f"You may take a vote back until {until}; for the same entry it cannot be given again{span}."
    )


def _describe_runners_up(count: int) -> str:
    if count == 0:
        return "There are no runners-up."
    follow = "One runner-up follows" if count == 1 else f"{count} runners-up follow"
    return f"{follow} in order, should somebody ahead not be able to take the prize."


def _join(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _spell(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
