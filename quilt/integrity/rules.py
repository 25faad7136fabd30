"""What the evidence about votes amounts to: facts in, points by family and a verdict out. Knows no database.

The numbers are those of a rulebook (`rules_1.toml`). Whatever is unknown gives no points; the network alone, or any
one family alone, holds nothing; a proof holds by itself.
"""

import json
import tomllib
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import exp, lgamma, log
from statistics import median, quantiles
from typing import Any, NamedTuple

NETWORK = "network"  # the family that never counts as one
FAMILIES = ("identity", "automation", "engagement", "cluster", "lockstep", NETWORK)
HOUR = 3600.0


@dataclass(frozen=True)
class Sign:
    """Something that a vote can show: the family it belongs to, its points or that it is a proof, and its numbers."""

    name: str
    family: str
    points: float
    holds: bool
    words: str
    numbers: Mapping[str, float]


@dataclass(frozen=True)
class Rulebook:
    """One version of the rules; `digest` is the SHA-256 of the file they stand in, in hex."""

    version: int
    digest: str
    hold_at: float
    families: int
    family_at: float
    window_seconds: float
    most_votes: int
    confirm_below: float
    limits: Mapping[str, float]
    signs: Mapping[str, Sign]
    alert: Mapping[str, float]
    common_domains: frozenset[str]

    @property
    def name(self) -> str:
        """How decisions name it: a tag of the ledger."""
        return f"rules-{self.version}"


class Cast(NamedTuple):
    """One vote as the rules see it. Durations are seconds; None is unknown, b"" no mark.

    `domain`, `mailbox` (without a +tag) and `stem` (its letters before trailing digits) tell of the address; ""
    where it is unknown. `is_linked`: they came by a link that belongs to somebody.
    """

    vote_id: int
    entry_id: int
    voter_id: int
    domain: str = ""
    mailbox: str = ""
    stem: str = ""
    is_tagged: bool = False
    is_disposable: bool = False
    network: bytes = b""
    device: bytes = b""
    has_played: bool | None = None
    dwell: float | None = None
    form_age: float | None = None
    code_wait: float | None = None
    solve: float | None = None
    is_linked: bool = False
    has_language: bool = True
    has_filled_decoy: bool = False


class Finding(NamedTuple):
    """What was found about one vote: the names of the signs, in the rulebook's order."""

    signs: tuple[str, ...]

    def weigh(self, book: Rulebook, without: Collection[str] = ()) -> dict[str, float]:
        """Points by family, within the family's limits; families in `without` are left out."""
        points: dict[str, float] = defaultdict(float)
        for name in self.signs:
            sign = book.signs[name]
            if sign.family not in without:
                points[sign.family] += sign.points
        least = {"engagement": book.limits["least_engagement"]}
        return {
            family: max(least.get(family, 0.0), min(book.limits.get(family, total), total))
            for family, total in points.items()
        }

    def find_reason(self, book: Rulebook, without: Collection[str] = ()) -> str | None:
        """Why the vote is held: the name of a proof, "score", or None where it counts."""
        for name in self.signs:
            if book.signs[name].holds and book.signs[name].family not in without:
                return name
        points = self.weigh(book, without)
        strong = [family for family, total in points.items() if family != NETWORK and total >= book.family_at]
        is_held = sum(points.values()) >= book.hold_at and len(strong) >= book.families
        return "score" if is_held else None

    def tell(self, book: Rulebook) -> str:
        """The finding as JSON for the log of decisions."""
        points = {family: round(total, 2) for family, total in sorted(self.weigh(book).items())}
        return json.dumps({"points": points, "signs": list(self.signs)}, separators=(",", ":"))


def read_rulebook(text: bytes) -> Rulebook:
    """The rules as they stand in a file. Raises KeyError or ValueError for one that lacks something."""
    fields = tomllib.loads(text.decode())
    signs = {name: _read_sign(name, sign) for name, sign in fields["signs"].items()}
    return Rulebook(
        version=fields["version"],
        digest=sha256(text).hexdigest(),
        hold_at=fields["hold_at"],
        families=fields["families"],
        family_at=fields["family_at"],
        window_seconds=fields["window_hours"] * HOUR,
        most_votes=fields["most_votes"],
        confirm_below=fields["confirm_below"],
        limits=fields["limits"],
        signs=signs,
        alert=fields["alert"],
        common_domains=frozenset(fields["mail"]["common"]),
    )


def find_signs(
    book: Rulebook,
    casts: Sequence[Cast],
    judged: Collection[int],
    in_lockstep: Mapping[int, str] = {},
    short_lived: Collection[int] = (),
) -> dict[int, Finding]:
    """What each of the votes with ids in `judged` shows, by vote id.

    `casts` are the votes of these entries within the window, oldest first; `in_lockstep` has a sign for
    voters who vote together again and again (`find_lockstep`); `short_lived` are votes that lack another proof.
    """
    by_entry: dict[int, list[Cast]] = defaultdict(list)
    for cast in casts:
        by_entry[cast.entry_id].append(cast)
    found: dict[int, Finding] = {}
    for entry in by_entry.values():
        asked = [cast for cast in entry if cast.vote_id in judged]
        signs = _Signs(book, entry, asked)
        for cast in asked:
            names = signs.of(cast) | {in_lockstep.get(cast.voter_id, "")}
            if cast.vote_id in short_lived:
                names.add("short_lived")
            found[cast.vote_id] = Finding(tuple(name for name in book.signs if name in names))
    return found


def find_lockstep(
    book: Rulebook, votes: Iterable[tuple[int, int, float]], asked: Collection[int]
) -> dict[int, str]:
    """The sign that each voter in `asked` shows who votes together with many others again and again.

    `votes` are (voter, entry, seconds) of everybody who has voted more than once. Two voters share an occasion
    when both vote for the same entry within a short time; occasions lie hours apart. After Beutel et al. 2013,
    CopyCatch: groups that like the same things at the same times.
    """
    numbers = book.signs["lockstep"].numbers
    of_voter: dict[int, list[tuple[float, int]]] = defaultdict(list)
    of_entry: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for voter, entry, at in votes:
        of_voter[voter].append((at, entry))
        of_entry[entry].append((at, voter))
    for times in of_entry.values():
        times.sort()
    found = {}
    for voter in asked:
        shared: Counter[int] = Counter()
        for sitting in _split(sorted(of_voter.get(voter, ())), numbers["apart_hours"] * HOUR):
            near = (_find_near(of_entry[entry], at, numbers) for at, entry in sitting)
            shared.update(set().union(*near) - {voter})
        sign = _grade_lockstep(book, shared)
        if sign is not None:
            found[voter] = sign
    return found


def find_burst(book: Rulebook, count: int, expected: float) -> float | None:
    """The chance of `count` votes or more where `expected` are usual, when that is an alert; else None.

    The tail of a negative binomial with mean m and dispersion k: P(n) = Γ(n+k)/(n!·Γ(k)) · (k/(k+m))^k · (m/(k+m))^n.
    """
    if count < book.alert["fewest"]:
        return None
    k, mean = book.alert["dispersion"], max(expected, 1e-9)
    stay, more = log(k / (k + mean)), log(mean / (k + mean))
    below = sum(exp(lgamma(n + k) - lgamma(n + 1) - lgamma(k) + k * stay + n * more) for n in range(count))
    chance = max(0.0, 1.0 - below)
    return chance if chance < book.alert["chance"] else None


class _Signs:
    """The signs of one entry's votes: what groups show is found once, what each one shows is asked by vote.

    Only groups with a vote of `asked` in them are looked at: a batch is small beside what lies in the window.
    """

    def __init__(self, book: Rulebook, casts: Sequence[Cast], asked: Sequence[Cast]) -> None:
        self._book = book
        self._asked = asked
        self._aliases = self._find_aliases(casts)
        letters = int(self._number("serial", "letters"))
        self._series = {
            series: len(group)
            for series, group in self._group(casts, _series).items()
            if len(series[1]) >= letters
        }
        self._networks = {
            network: len(group) for network, group in self._group(casts, _network).items() if network
        }
        self._domains = self._find_own_domains(casts)
        self._even = {
            name: self._find_even(casts, name, read)
            for name, read in (("even_dwell", _dwell), ("even_code", _code_wait), ("even_solve", _solve))
        }

    def of(self, cast: Cast) -> set[str]:
        """The names of the signs that this vote shows."""
        tests = {
            "disposable": cast.is_disposable,
            "serial": self._series.get(_series(cast), 0) >= self._least("serial"),
            "own_domain": cast.domain in self._domains,
            "hasty": _is_below(cast.form_age, self._number("hasty", "below")),
            "instant": _is_below(cast.form_age, self._number("instant", "below")),
            "short": _is_below(cast.dwell, self._number("short", "below")),
            "quick_code": _is_below(cast.code_wait, self._number("quick_code", "below")),
            "mute": not cast.has_language,
            "decoy": cast.has_filled_decoy,
            "unplayed": cast.has_played is False,
            "unwatched": cast.has_played is None
            and _is_below(cast.form_age, self._number("unwatched", "below")),
            "played": cast.has_played is True,
            "linked": cast.is_linked,
            "crowded": self._networks.get(cast.network, 0) >= self._least("crowded"),
            **{name: cast.vote_id in members for name, members in self._even.items()},
        }
        names = {name for name, shows in tests.items() if shows}
        spellings = self._aliases.get(cast.vote_id, 0)
        if spellings:
            names.add("alias" if spellings >= self._least("alias") else "alias_few")
        return names

    def _number(self, sign: str, name: str) -> float:
        return self._book.signs[sign].numbers[name]

    def _least(self, sign: str) -> float:
        return self._number(sign, "least")

    def _group(self, casts: Iterable[Cast], key: Callable[[Cast], Any]) -> dict[Any, list[Cast]]:
        """The votes by what they have in common with one that is asked about; '' and b"" are nothing in common."""
        groups: dict[Any, list[Cast]] = {name: [] for cast in self._asked if (name := key(cast))}
        for cast in casts:
            group = groups.get(key(cast))
            if group is not None:
                group.append(cast)
        return groups

    def _find_aliases(self, casts: Sequence[Cast]) -> dict[int, int]:
        """How many spellings of their mailbox there are, by the ids of the votes that came after its first."""
        found: dict[int, int] = {}
        for group in self._group(casts, _mailbox).values():
            spellings = len({cast.voter_id for cast in group})
            if spellings >= self._least("alias_few") and any(cast.is_tagged for cast in group):
                first = group[0].voter_id
                found |= {cast.vote_id: spellings for cast in group if cast.voter_id != first}
        return found

    def _find_own_domains(self, casts: Sequence[Cast]) -> set[str]:
        return {
            domain
            for domain, group in self._group(casts, _domain).items()
            if domain not in self._book.common_domains
            and len(group) >= self._least("own_domain")
            and sum(cast.has_played is False for cast in group)
            >= self._number("own_domain", "idle") * len(group)
            and len({cast.network for cast in group}) >= self._number("own_domain", "spread") * len(group)
        }

    def _find_even(self, casts: Sequence[Cast], name: str, read: Callable[[Cast], float | None]) -> set[int]:
        """Votes whose time lies in the middle of a group whose times are too much alike to be people's."""
        least = int(self._least(name))
        idle = [cast for cast in casts if cast.has_played is not True and read(cast) is not None]
        members: set[int] = set()
        for key in (_device, _network, _domain, _way):
            for group in self._group(idle, key).values():
                if len(group) >= least:
                    below = self._number(name, "below") - self._number(name, "margin") / len(group) ** 0.5
                    members |= _find_core(group, read, below)
        return members


def _find_core(group: Sequence[Cast], read: Callable[[Cast], float | None], below: float) -> set[int]:
    """The votes within the middle of the group, where its middle half is narrow; nobody where it is not."""
    times = [time for cast in group if (time := read(cast)) is not None]
    middle = median(times)
    low, _, high = quantiles(times, n=4)
    width = high - low
    if middle <= 0 or width >= below * middle:
        return set()
    return {
        cast.vote_id
        for cast in group
        if (time := read(cast)) is not None and low - width <= time <= high + width
    }


def _find_near(times: Sequence[tuple[float, int]], at: float, numbers: Mapping[str, float]) -> set[int]:
    """Who voted for an entry at about this time; nobody where there are too many for it to mean anything."""
    near = numbers["within_hours"] * HOUR
    begin, end = bisect_left(times, (at - near, 0)), bisect_right(times, (at + near, 1 << 62))
    return set() if end - begin > numbers["most_near"] else {voter for _, voter in times[begin:end]}


def _grade_lockstep(book: Rulebook, shared: Counter[int]) -> str | None:
    for name in ("lockstep", "together"):
        numbers = book.signs[name].numbers
        if sum(1 for count in shared.values() if count >= numbers["sittings"]) >= numbers["least"]:
            return name
    return None


def _split(votes: Sequence[tuple[float, int]], apart: float) -> list[list[tuple[float, int]]]:
    """The votes of one voter, oldest first, by occasion."""
    sittings: list[list[tuple[float, int]]] = []
    for vote in votes:
        if sittings and vote[0] - sittings[-1][-1][0] < apart:
            sittings[-1].append(vote)
        else:
            sittings.append([vote])
    return sittings


def _is_below(value: float | None, limit: float) -> bool:
    return value is not None and value < limit


def _dwell(cast: Cast) -> float | None:
    return cast.dwell


def _code_wait(cast: Cast) -> float | None:
    return cast.code_wait


def _solve(cast: Cast) -> float | None:
    return cast.solve


def _series(cast: Cast) -> tuple[str, str]:
    return cast.domain, cast.stem


def _mailbox(cast: Cast) -> str:
    return cast.mailbox


def _device(cast: Cast) -> bytes:
    return cast.device


def _network(cast: Cast) -> bytes:
    return cast.network


def _domain(cast: Cast) -> str:
    return cast.domain


def _way(cast: Cast) -> str:
    return "linked" if cast.is_linked else "alone"


def _read_sign(name: str, fields: Mapping[str, Any]) -> Sign:
    if fields["family"] not in FAMILIES:
        raise ValueError(f"{name} belongs to no family that is known")
    numbers = {
        key: float(value)
        for key, value in fields.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and key != "points"
    }
    holds = bool(fields.get("holds"))
    return Sign(name, fields["family"], 0.0 if holds else fields["points"], holds, fields["words"], numbers)
