"""Setting up a contest, and changing it as long as nobody has been promised anything else."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from quilt.contests.changes import assign, lock_contest, write_change
from quilt.contests.dates import check_phases, follow_counts, make_phase
from quilt.contests.freezing import has_voting_opened
from quilt.contests.local_times import move_days
from quilt.contests.models import BallotPolicy, Contest, ContestRules
from quilt.contests.policies import check_policy
from quilt.contests.preflight import list_blocks
from quilt.contests.queries import PhaseFacts, PolicyFacts
from quilt.contests.refusals import EditedMeanwhile, Frozen, InvalidContest
from quilt.contests.rules import hash_rules
from quilt.database import transaction

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
MOST_SLUG = 64  # the ledger's name for a contest
MOST_RULES = 100_000
MOST_TEXT = {"title": 120, "prize_text": 120, "prize_from": 120, "intro": 2_000}


def create_contest(
    *,
    slug: str,
    title: str,
    time_zone: str,
    phases: Sequence[PhaseFacts],
    policy: PolicyFacts,
    now: datetime,
    intro: str = "",
    prize_text: str = "",
    prize_from: str = "",
    rules_text: str = "",
    is_published: bool = True,
    actor_id: int | None = None,
    entropy: Callable[[int], bytes],
) -> int:
    """Create a contest with its phases and ballot policy; return its id. Raises InvalidContest.

    One that is not published may still be without phases.
    """
    texts = {"title": title, "intro": intro, "prize_text": prize_text, "prize_from": prize_from}
    _check_names(slug, time_zone, texts)
    _check_rules(rules_text)
    if is_published or phases:
        check_phases(phases)
    check_policy(policy, phases)
    contest = Contest(
        slug=slug,
        time_zone=time_zone,
        rules_text=rules_text,
        is_published=is_published,
        voter_salt=entropy(32),
        created_at=now,
        **texts,
    )
    with transaction() as session:
        session.add(contest)
        _flush(session, slug)
        rows = [make_phase(contest.id, phase) for phase in phases]
        follow_counts(rows, policy.counts)
        session.add_all(rows)
        session.add(BallotPolicy(contest_id=contest.id, **asdict(policy)))
        _keep_rules(session, contest, actor_id, now)
        write_change(session, contest, "created", actor_id=actor_id, now=now)
        contest.version, contest.edit_count = 1, 0
        return contest.id


def edit_basics(
    contest_id: int,
    *,
    slug: str,
    time_zone: str,
    texts: dict[str, str],
    edit_count: int,
    actor_id: int,
    now: datetime,
) -> None:
    """Change address, zone and `texts` (title, intro, prize_text, prize_from).

    Raises InvalidContest, Frozen (address and zone stay once voting has opened) or EditedMeanwhile.
    """
    _check_names(slug, time_zone, texts)
    with transaction() as session:
        contest = get_for_edit(session, contest_id, edit_count)
        if has_voting_opened(contest, now) and (slug, time_zone) != (contest.slug, contest.time_zone):
            raise Frozen("the address and the time zone")
        changed = assign(contest, {"slug": slug, "time_zone": time_zone, **texts})
        if changed:
            write_change(session, contest, "edited", actor_id=actor_id, now=now, fields=changed)
            _flush(session, slug)


def change_policy(
    contest_id: int, policy: PolicyFacts, *, edit_count: int, actor_id: int, now: datetime
) -> None:
    """Change what may be cast and how it is counted. Raises InvalidContest, Frozen or EditedMeanwhile."""
    with transaction() as session:
        contest = get_for_edit(session, contest_id, edit_count)
        if has_voting_opened(contest, now):
            raise Frozen("the way votes are counted")
        check_policy(policy, contest.phases)
        changed = assign(contest.policy, asdict(policy))
        if changed:
            follow_counts(contest.phases, policy.counts)
            write_change(session, contest, "policy", actor_id=actor_id, now=now, fields=changed)


def write_rules(contest_id: int, text: str, *, edit_count: int, actor_id: int, now: datetime) -> int:
    """Put a new text in the place of the rules, as their next version; returns its number.

    The same text makes no version. Raises InvalidContest, Frozen or EditedMeanwhile.
    """
    _check_rules(text)
    with transaction() as session:
        contest = get_for_edit(session, contest_id, edit_count)
        if has_voting_opened(contest, now):
            raise Frozen("the rules")
        if hash_rules(text) == hash_rules(contest.rules_text):
            return contest.rules_version
        _keep_rules(session, contest, None, contest.created_at)  # of before versions were kept
        contest.rules_text = text
        contest.rules_version += 1
        _keep_rules(session, contest, actor_id, now)
        words = f"Version {contest.rules_version} of the rules."
        write_change(
            session, contest, "rules", actor_id=actor_id, now=now, words=words, is_public=contest.is_published
        )
        return contest.rules_version


def publish_contest(contest_id: int, *, actor_id: int, now: datetime) -> None:
    """Show the contest to everybody. Raises InvalidContest with what is still missing."""
    with transaction() as session:
        contest = lock_contest(session, contest_id)
        blocks = list_blocks(contest, now)
        if blocks:
            raise InvalidContest("", " ".join(block.words for block in blocks))
        if not contest.is_published:
            contest.is_published = True
            write_change(session, contest, "published", actor_id=actor_id, now=now)


def hide_contest(contest_id: int, *, actor_id: int, now: datetime) -> None:
    """Take a published contest back, as long as nobody could vote in it. Raises Frozen."""
    with transaction() as session:
        contest = lock_contest(session, contest_id)
        if has_voting_opened(contest, now):
            raise Frozen("whether it is shown")
        if contest.is_published:
            contest.is_published = False
            write_change(session, contest, "hidden", actor_id=actor_id, now=now)


def clone_contest(
    contest_id: int,
    *,
    slug: str,
    title: str,
    actor_id: int,
    now: datetime,
    entropy: Callable[[int], bytes],
) -> int:
    """A new contest, not published, with the other's texts, policy and phases; return its id.

    The phases move by whole weeks, at the same hour of the contest's own clocks, so that the first begins a
    week from now or later. Raises InvalidContest.
    """
    with transaction() as session:
        source = session.get_one(Contest, contest_id, populate_existing=True)
        phases = [PhaseFacts(**_copy(phase, PhaseFacts)) for phase in source.phases]
        policy = PolicyFacts(**_copy(source.policy, PolicyFacts))
        zone, rules = source.time_zone, source.rules_text
        texts = {name: getattr(source, name) for name in MOST_TEXT} | {"title": title}
    days = _count_days(phases, now)
    moved = [_move(phase, days, zone) for phase in phases]
    revocable = policy.revocable_until and move_days(policy.revocable_until, days, zone)
    fresh = PolicyFacts(**{**asdict(policy), "revocable_until": revocable})
    return create_contest(
        slug=slug, time_zone=zone, phases=moved, policy=fresh, rules_text=rules, is_published=False,
        actor_id=actor_id, now=now, entropy=entropy, **texts,
    )  # fmt: skip


def get_for_edit(session: Session, contest_id: int, edit_count: int) -> Contest:
    """The contest, locked until the transaction ends. Raises EditedMeanwhile for a stale form."""
    contest = lock_contest(session, contest_id)
    if contest.edit_count != edit_count:
        raise EditedMeanwhile
    return contest


def _check_names(slug: str, time_zone: str, texts: dict[str, str]) -> None:
    """Raise InvalidContest with everything that is to mend: nobody is sent back twice."""
    faults = list(_list_faults(slug, time_zone, texts))
    if faults:
        field, message = faults[0]
        raise InvalidContest(field, message, tuple(InvalidContest(*fault) for fault in faults[1:]))


def _list_faults(slug: str, time_zone: str, texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each field that cannot stay as it is, and what to say beside it."""
    if not SLUG.match(slug) or len(slug) > MOST_SLUG:
        yield "slug", f"The address takes small letters, digits and single hyphens, {MOST_SLUG} at most."
    if not texts["title"].strip():
        yield "title", "Give the contest a title."
    for name, most in MOST_TEXT.items():
        if len(texts[name]) > most:
            yield name, f"Use at most {most:,} characters; these are {len(texts[name]):,}."
        elif "\x00" in texts[name]:
            yield name, "Remove the zero character."
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield "time_zone", f"There is no time zone called “{time_zone[:80]}”."


def _check_rules(text: str) -> None:
    if len(text) > MOST_RULES:
        raise InvalidContest("rules_text", f"Use at most {MOST_RULES:,} characters; these are {len(text):,}.")


def _flush(session: Session, slug: str) -> None:
    try:
        session.flush()
    except IntegrityError:
        raise InvalidContest("slug", f"There is a contest at the address “{slug}” already.") from None


def _keep_rules(session: Session, contest: Contest, actor_id: int | None, now: datetime) -> None:
    """Write the version that stands down, unless it is kept already."""
    if session.get(ContestRules, (contest.id, contest.rules_version)) is None:
        session.add(
            ContestRules(
                contest_id=contest.id, version=contest.rules_version, text=contest.rules_text,
                digest=hash_rules(contest.rules_text), actor_id=actor_id, written_at=now,
            )
        )  # fmt: skip


def _copy(row: Any, facts: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in facts.__slots__ if name not in _OF_A_PAUSE}


_OF_A_PAUSE = ("paused_at", "resumed_at", "pause_reason")


def _count_days(phases: Sequence[PhaseFacts], now: datetime) -> int:
    if not phases:
        return 0
    late = now + timedelta(days=7) - min(phase.starts_at for phase in phases)
    return 7 * max(0, -(-late // timedelta(days=7)))


def _move(phase: PhaseFacts, days: int, zone: str) -> PhaseFacts:
    starts_at, ends_at = (move_days(at, days, zone) for at in (phase.starts_at, phase.ends_at))
    return PhaseFacts(**{**asdict(phase), "starts_at": starts_at, "ends_at": ends_at})
