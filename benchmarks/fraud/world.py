"""A contest in a scratch database, in which presses become the rows that the site would have written."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, insert, update

from benchmarks.fraud.attacks import ATTACKS
from benchmarks.fraud.crowds import list_crowds
from benchmarks.fraud.presses import DAY, ENTRIES, Chance, Press
from quilt.accounts.models import User
from quilt.accounts.rules import email_key, person_key
from quilt.arrivals.models import Arrival, NamedLink
from quilt.contests.models import BallotPolicy, Contest, Phase
from quilt.database import db, transaction
from quilt.entries.models import Entry
from quilt.votes.evidence import Evidence, make_marks, pack_evidence
from quilt.votes.models import EntryTally, Vote, Voter

OPENS = datetime(2026, 5, 4, tzinfo=UTC)
BATCH = 600.0  # seconds
KEY = b"k" * 32


@dataclass
class World:
    """One contest of one seed; `doors` are presses that the unique keys refused."""

    seed: int
    contest_id: int
    entries: list[int]
    links: list[int]
    next_id: int
    people: dict[str, int] = field(default_factory=dict)
    voters: dict[str, int] = field(default_factory=dict)
    cast: set[tuple[str, int]] = field(default_factory=set)
    nodes: dict[int, tuple[int, int]] = field(default_factory=dict)  # press → arrival, depth
    doors: list[Press] = field(default_factory=list)


def draw_presses(seed: int) -> list[Press]:
    """Everybody who presses the button in the world of this seed, the earliest first."""
    presses: list[Press] = []
    taken: set[str] = set()
    makers = {**list_crowds(), **{name: attack.make for name, attack in ATTACKS.items()}}
    for name, make in makers.items():
        presses += make(Chance(f"{seed} {name}", taken))
    return sorted((press for press in presses if press.at < 3 * DAY), key=lambda press: press.at)


def list_batches(presses: Sequence[Press]) -> Iterator[list[Press]]:
    """The presses as the ledger's batches take them."""
    for _, batch in groupby(presses, key=lambda press: int(press.at // BATCH)):
        yield list(batch)


def open_world(seed: int, first_id: int = 1) -> World:
    """A contest with its entries; `first_id` is the first number that no row has yet."""
    entrant = _save(User(email=f"entrant{seed}@quilt.example", email_key=f"entrant{seed}@quilt.example",
                         name="Entrant", role="member", created_at=OPENS))  # fmt: skip
    contest = _save(
        Contest(
            slug=f"fraud-{seed}",
            title="Bench",
            time_zone="UTC",
            rules_text="",
            created_at=OPENS,
            voter_salt=b"bench %d" % seed,
        )
    )
    _save(
        Phase(contest_id=contest.id, name="Voting", starts_at=OPENS, ends_at=OPENS + timedelta(days=3),
              may_vote=True),
        BallotPolicy(contest_id=contest.id, limit_count=None),
    )  # fmt: skip
    entries, links = [], []
    for number in range(ENTRIES):
        entry = _save(Entry(contest_id=contest.id, entrant_id=entrant.id, state="published", slug=f"e{number}",
                            title=f"Entry {number}", cause="Cause", created_at=OPENS, published_at=OPENS))  # fmt: skip
        link = _save(NamedLink(entry_id=entry.id, code=f"own{seed:03}{number:03}", created_at=OPENS))
        _save(EntryTally(entry_id=entry.id, contest_id=contest.id))
        entries.append(entry.id)
        links.append(link.id)
    return World(seed, contest.id, entries, links, first_id)


def add_votes(connection: Connection, world: World, batch: Sequence[Press]) -> list[int]:
    """Write the batch's rows; the ids of its votes. Presses of a mailbox that has voted are refused at the door."""
    rows: dict[Any, list[dict[str, Any]]] = {User: [], Voter: [], Arrival: [], Vote: []}
    standing: dict[int, int] = {}
    for press in batch:
        person = person_key(press.email)
        if (person, press.entry) in world.cast:
            world.doors.append(press)
            continue
        world.cast.add((person, press.entry))
        _add_person(world, press, person, rows)
        _add_vote(world, press, person, rows)
        standing[press.entry] = standing.get(press.entry, 0) + 1
    for model, values in rows.items():
        if values:
            connection.execute(insert(model), values)
    for entry, votes in standing.items():
        tally = update(EntryTally).where(EntryTally.entry_id == world.entries[entry])
        connection.execute(tally.values(standing=EntryTally.standing + votes))
    return [row["id"] for row in rows[Vote]]


def _add_person(world: World, press: Press, person: str, rows: dict[Any, list[dict[str, Any]]]) -> None:
    if person in world.voters:
        return
    at = OPENS + timedelta(seconds=press.at)
    account, voter = _take(world), _take(world)
    key = f"{world.seed}.{email_key(press.email)}"
    rows[User].append({"id": account, "email": press.email, "email_key": key, "name": "", "role": "member",
                       "created_at": at})  # fmt: skip
    rows[Voter].append({"id": voter, "contest_id": world.contest_id, "user_id": account,
                        "key": hashlib.sha256(key.encode()).digest(), "created_at": at})  # fmt: skip
    world.voters[person] = voter


def _add_vote(world: World, press: Press, person: str, rows: dict[Any, list[dict[str, Any]]]) -> None:
    at = OPENS + timedelta(seconds=press.at)
    vote_id, arrival_id = _take(world), _take(world)
    parent_id, depth = world.nodes.get(id(press.sharer), (None, 0))
    link_id = world.links[press.entry] if press.sharer == "own" else None
    world.nodes[id(press)] = (arrival_id, depth + 1)
    entry_id = world.entries[press.entry]
    rows[Arrival].append({"id": arrival_id, "entry_id": entry_id, "parent_id": parent_id, "depth": depth + 1,
                          "code": f"a{arrival_id:09}", "visitor_key": arrival_id.to_bytes(8), "channel": "",
                          "link_id": link_id, "state": "live", "arrived_at": at})  # fmt: skip
    rows[Vote].append({"id": vote_id, "contest_id": world.contest_id, "voter_id": world.voters[person],
                       "entry_id": entry_id, "period": "", "slot": None, "state": "recorded",
                       "receipt": f"{vote_id:024x}", "arrival_id": arrival_id, "last_channel": "", "last_code": "",
                       "evidence": pack_evidence(_tell(world, press)), "cast_at": at})  # fmt: skip
    press.vote_id = vote_id


def _tell(world: World, press: Press) -> Evidence:
    salt = hashlib.sha256(f"{world.seed} {int(press.at // DAY)}".encode()).digest()
    marks = make_marks(press.address, f"{press.agent}\n{press.language}", salt, KEY)
    return Evidence(
        marks, press.played, press.dwell, press.form_age, press.code_wait, None, press.sharer is not None,
        press.has_cookie, bool(press.language),
    )  # fmt: skip


def _take(world: World) -> int:
    world.next_id += 1
    return world.next_id


def _save(*rows: Any) -> Any:
    with transaction() as session:
        session.add_all(rows)
    db.session.commit()
    return rows[0]
