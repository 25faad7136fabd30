"""What the evidence amounts to: two families or a proof, never the network alone, never the unknown."""

import hashlib
import random
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from quilt import integrity
from quilt.integrity.facts import get_rulebook
from quilt.integrity.rules import Cast, Finding, find_burst, find_lockstep, find_signs, read_rulebook

BOOK = get_rulebook()
HOUR = 3600.0
_ids = count(1)


PUBLISHED = {"rules_1.toml": "973f1334c43809d8cff82763142e0d126e5b0dff4f7b2567f204e5b2a73cf60c"}


def test_published_rules_stay_as_they_are():
    files = Path(integrity.__file__).parent.glob("rules_*.toml")
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    assert found == PUBLISHED, "published rules are not changed: write rules_2.toml, and add its SHA-256 here"


def cast(**values):
    number = next(_ids)
    facts = {"vote_id": number, "entry_id": 1, "voter_id": number}
    return Cast(**{**facts, **values})


def judge(casts, **more):
    return find_signs(BOOK, casts, {c.vote_id for c in casts}, **more)


def reasons(casts):
    return [finding.find_reason(BOOK) for finding in judge(casts).values()]


def person(number):
    """Somebody with habits of their own: times differ as people's do."""
    return {
        "dwell": 5 + number * 7.0 % 90,
        "form_age": 9 + number * 7.0 % 95,
        "code_wait": 8 + number * 13.0 % 80,
    }


@pytest.mark.parametrize(
    ("signs", "reason"),
    [
        ((), None),
        (("hasty", "short", "mute", "quick_code"), None),  # one family, whatever it adds up to
        (("hasty", "quick_code", "crowded"), None),  # the network is no family
        (("hasty", "unplayed"), None),  # two families, too few points
        (("hasty", "mute", "unplayed"), "score"),
        (("hasty", "mute", "unplayed", "linked"), None),  # a link speaks for them
        (("disposable", "unplayed"), "score"),
        (("disposable", "played"), None),
        (("alias",), "alias"),
        (("alias", "played", "linked"), "alias"),
        (("short_lived", "disposable", "played", "linked"), "short_lived"),
        (("lockstep",), "lockstep"),
        (("decoy", "played", "linked"), "decoy"),
        (("together", "unplayed"), "score"),
        (("together", "played"), None),
    ],
)
def test_what_holds_a_vote(signs, reason):
    assert Finding(signs).find_reason(BOOK) == reason


def test_no_family_alone_and_no_network_holds_without_a_proof():
    """Every sign of one family at once, with the network's beside it."""
    families = {sign.family for sign in BOOK.signs.values()}
    for family in families:
        own = [
            name for name, sign in BOOK.signs.items() if sign.family in (family, "network") and not sign.holds
        ]
        assert Finding(tuple(own)).find_reason(BOOK) is None, family
    assert len(families) == 6


def test_a_family_left_out_gives_nothing():
    finding = Finding(("hasty", "mute", "unplayed"))
    assert finding.find_reason(BOOK, without={"engagement"}) is None
    assert Finding(("alias",)).find_reason(BOOK, without={"identity"}) is None
    assert (
        finding.tell(BOOK)
        == '{"points":{"automation":2.25,"engagement":1.0},"signs":["hasty","mute","unplayed"]}'
    )


def test_votes_that_tell_nothing_count_however_many_come_from_one_network():
    assert set(reasons([cast(network=b"n" * 6, device=b"d" * 6) for _ in range(400)])) == {None}


def test_an_office_without_sound_counts():
    office = [
        cast(domain="clinic.example", network=b"n" * 6, device=b"d" * 6, has_played=n % 10 == 0, **person(n))
        for n in range(120)
    ]
    assert set(reasons(office)) == {None}


def test_a_script_with_times_too_much_alike_is_held_from_the_group_on():
    bots = [
        cast(
            device=b"d" * 6, has_played=False, dwell=6 + n % 3 * 0.5, form_age=7.0, code_wait=8 + n % 4 * 0.4
        )
        for n in range(60)
    ]
    assert judge(bots)[bots[0].vote_id].find_reason(BOOK) == "score"
    assert set(reasons(bots[:19])) == {None}  # too few to tell


def test_people_in_the_same_hour_are_not_drawn_into_it():
    bots = [cast(device=b"d" * 6, has_played=False, dwell=6.0, code_wait=9.0) for _ in range(60)]
    slow = cast(device=b"d" * 6, has_played=False, dwell=70.0, code_wait=60.0)
    viewer = cast(device=b"d" * 6, has_played=True, dwell=6.0, code_wait=9.0)
    found = judge([*bots, slow, viewer])
    assert found[bots[5].vote_id].find_reason(BOOK) == "score"
    assert found[slow.vote_id].find_reason(BOOK) is None and found[viewer.vote_id].find_reason(BOOK) is None


@pytest.mark.parametrize(("spellings", "held"), [(2, 0), (3, 0), (4, 3), (9, 8)])
def test_one_mailbox_under_many_spellings(spellings, held):
    casts = [
        cast(domain="firm.example", mailbox="promo@firm.example", is_tagged=True, **person(n))
        for n in range(spellings)
    ]
    assert reasons(casts).count("alias") == held
    assert judge(casts)[casts[0].vote_id].signs == ()  # the first one is who they are


def test_one_person_who_votes_every_day_is_no_alias():
    days = [cast(voter_id=7, mailbox="a@firm.example", is_tagged=True) for _ in range(6)]
    assert set(reasons(days)) == {None}


@pytest.mark.parametrize(("networks", "is_found"), [(40, True), (2, False)])
def test_a_domain_of_ones_own_is_spread_over_networks_an_organisation_is_not(networks, is_found):
    casts = [
        cast(domain="mine.example", has_played=False, network=bytes([n % networks]) * 6, **person(n))
        for n in range(40)
    ]
    assert ("own_domain" in judge(casts)[casts[0].vote_id].signs) is is_found


def test_a_common_domain_is_nobodys_own():
    casts = [
        cast(domain="gmail.com", has_played=False, network=bytes([n]) * 6, **person(n)) for n in range(40)
    ]
    assert "own_domain" not in judge(casts)[casts[0].vote_id].signs


def draw_crowd(chance, size):
    """People and scripts mixed, with few mailboxes, domains, devices and networks, so that every group is large."""
    for _ in range(size):
        domain = chance.choice(("gmail.com", "mine.example", "firm.example"))
        stem = chance.choice(("", "anna", "voter"))
        device, network = chance.choice((b"", b"d", b"e")), chance.choice((b"", b"n", chance.randbytes(6)))
        yield cast(
            domain=domain, stem=stem, mailbox=f"{stem}{chance.randrange(30)}@{domain}" if stem else "",
            is_tagged=chance.random() < 0.3, network=network, device=device,
            has_played=chance.choice((None, False, False, True)),
            dwell=12 + chance.random() if device == b"d" else chance.uniform(1, 90),
            code_wait=8 + chance.random() if network == b"n" else chance.uniform(1, 90),
            solve=0.5 + chance.random() / 50 if domain == "firm.example" else chance.uniform(0.1, 3),
            form_age=chance.choice((None, 1.0, 30.0)), is_linked=chance.random() < 0.3,
            has_language=chance.random() < 0.9,
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_what_a_vote_shows_does_not_hang_on_who_is_asked_about_beside_it(seed):
    chance = random.Random(seed)
    crowd = list(draw_crowd(chance, 200))
    together = judge(crowd)
    shown = {sign for finding in together.values() for sign in finding.signs}
    assert shown >= {"alias_few", "serial", "crowded", "even_dwell", "even_code", "even_solve"}
    for size in (1, 7, 60):
        asked = {one.vote_id for one in chance.sample(crowd, size)}
        assert find_signs(BOOK, crowd, asked) == {
            vote_id: together[vote_id] for vote_id in together if vote_id in asked
        }


def list_ring(members, orders, apart):
    return [
        (voter, order, order * apart * HOUR + voter * 10.0)
        for voter in range(members)
        for order in range(orders)
    ]


@pytest.mark.parametrize(
    ("members", "orders", "apart", "sign"),
    [
        (21, 3, 6, "lockstep"),
        (20, 3, 6, None),  # nineteen others
        (26, 2, 6, "together"),
        (60, 3, 1, None),  # one sitting: a class, or friends of an alliance
        (401, 3, 6, None),  # everybody votes then
    ],
)
def test_lockstep_needs_many_voters_on_several_occasions(members, orders, apart, sign):
    found = find_lockstep(BOOK, list_ring(members, orders, apart), {0})
    assert found.get(0) == sign


def test_lockstep_holds_by_itself():
    vote = cast(voter_id=5, has_played=True, is_linked=True)
    assert judge([vote], in_lockstep={5: "lockstep"})[vote.vote_id].find_reason(BOOK) == "lockstep"


@pytest.mark.parametrize(
    ("count", "expected", "is_alert"),
    [(5, 0.1, False), (30, 1.0, True), (30, 10.0, False), (400, 10.0, True), (12, 4.0, False)],
)
def test_a_burst_is_an_alert(count, expected, is_alert):
    assert (find_burst(BOOK, count, expected) is not None) is is_alert


def test_the_tail_is_that_of_the_negative_binomial():
    """k = 2, m = 2: P(n) = (n + 1) / 2^(n + 2), so P(20 or more) = 22 / 2^21."""
    loose = replace(BOOK, alert={**BOOK.alert, "chance": 1.0})
    assert find_burst(loose, 20, 2.0) == pytest.approx(22 / 2**21)


def test_a_rulebook_with_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match="no family"):
        read_rulebook(b'version=1\n[signs.x]\nfamily="luck"\npoints=1\nwords="x"\n')
