"""A sound database has no difference; each planted corruption is found, on both databases."""

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Connection, event, text

from quilt.arrivals.fold import fold_waiting
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import record_arrival
from quilt.arrivals.timekeeping import refresh_timing
from quilt.audit import run_audit
from quilt.audit.counters import check_ballots, check_tallies
from quilt.audit.files import check_bytes, check_files
from quilt.audit.keys import check_links_between_tables, check_unique_keys
from quilt.audit.report import Check, count_differences, spell_out
from quilt.audit.trees import check_arrivals, check_spreads, check_times
from quilt.config import Settings
from quilt.contests.models import Contest
from quilt.database import db, transaction
from quilt.embeds.models import Organisation, Sponsor
from quilt.media.storage import OWN_BYTES, Storage, make_key, originals_of, results_of
from quilt.shares.models_posting import KitPicture
from quilt.votes.queries import build_policy
from quilt.votes.service import Ballot, cast_vote
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user, make_video, save

TREE = (-1, -1, 0, 0, 2, 4)  # whose link each person came by; -1: nobody's


@pytest.fixture
def entry_id(app: Flask) -> int:
    """An entry whose tree has six people, three voters among them; the last two steps are not folded yet."""
    entry = make_entry(make_contest(limit_count=3))
    codes: list[str] = []
    for person, parent in enumerate(TREE):
        if person == 4:
            fold_waiting(NOW)
        via = codes[parent] if parent >= 0 else ""
        visit = Visit(entry.id, bytes([person]) * 8, via=via, channel="wa" if person % 2 else "")
        codes.append(record_arrival(visit, None, now=NOW, entropy=secrets.token_bytes).code)
        if person in (0, 3, 4):
            vote(entry, visit)
    db.session.rollback()
    return entry.id


def vote(entry, visit: Visit) -> None:
    user, contest = make_user(), db.session.get(Contest, entry.contest_id)
    ballot = Ballot(user.id, "email", visit)
    cast_vote(ballot, build_policy(contest), secret="s", now=NOW, entropy=secrets.token_bytes)


@pytest.fixture
def connection(app: Flask, entry_id: int) -> Iterator[Connection]:
    """A connection whose changes are taken back afterwards."""
    with db.engine.connect() as connection, connection.begin() as moment:
        yield connection
        moment.rollback()


def test_a_sound_database_agrees(app: Flask, settings: Settings, entry_id: int, tmp_path: Path) -> None:
    for _ in range(2):  # before the fold took the last arrivals, and after
        checks = {check.name: check for check in run_audit(replace(settings, data=tmp_path), NOW)}
        assert count_differences(checks.values()) == 0, spell_out(checks.values())
        assert checks["vote counters"].looked_at == 3 + 1
        assert checks["ballots"].looked_at == 3
        assert checks["arrivals"].looked_at == len(TREE)
        assert checks["spreads"].looked_at == 1
        assert checks["unique keys"].looked_at > 40
        assert checks["foreign keys"].looked_at > 20
        fold_waiting(NOW)


@pytest.mark.parametrize(
    ("check", "corruption"),
    [
        (check_tallies, "UPDATE entry_tally SET standing = standing + 1"),
        (check_tallies, "DELETE FROM entry_tally"),
        (check_tallies, "UPDATE vote SET state = 'held' WHERE id = (SELECT min(id) FROM vote)"),
        (check_ballots, "UPDATE vote SET slot = 3 WHERE id = (SELECT min(id) FROM vote)"),
        (check_ballots, "UPDATE vote SET arrival_id = (SELECT min(arrival_id) FROM vote)"),
        (check_ballots, "UPDATE vote SET tier = 'oauth' WHERE id = (SELECT min(id) FROM vote)"),
        (check_arrivals, "UPDATE arrival SET depth = depth + 1 WHERE parent_id IS NULL"),
        (check_arrivals, "UPDATE arrival SET depth = 9 WHERE id = (SELECT max(id) FROM arrival)"),
        (check_spreads, "UPDATE entry_spread SET size = size + 1"),
        (check_spreads, "UPDATE entry_spread SET total_depth = '5'"),
        (check_spreads, "UPDATE entry_spread SET squared_sizes = '1'"),
        (check_spreads, "UPDATE entry_spread SET max_breadth = 1"),
        (check_spreads, "UPDATE entry_spread SET passed_on_count = 0"),
        (check_spreads, "UPDATE entry_spread SET votes_count = 0"),
        (check_spreads, "UPDATE entry_spread SET shared_votes_count = 9"),
        (check_spreads, "DELETE FROM entry_spread"),
        (check_spreads, "UPDATE entry_generation SET people_count = 7 WHERE generation = 2"),
        (check_spreads, "DELETE FROM entry_generation WHERE generation = 2"),
        (check_spreads, "UPDATE entry_channel SET votes_count = 7 WHERE channel = 'wa'"),
        (check_spreads, "UPDATE entry_channel SET voters_count = 7 WHERE channel = 'wa'"),
        (check_spreads, "UPDATE entry_channel SET brought_count = 7 WHERE channel = 'wa'"),
        (check_spreads, "UPDATE arrival_stat SET subtree_size = 7 WHERE subtree_size > 1"),
        (check_spreads, "UPDATE arrival_stat SET votes_subtree = 7"),
        (check_spreads, "DELETE FROM arrival_stat"),
        (check_spreads, "DELETE FROM arrival_inbox WHERE is_new"),
        (check_spreads, "DELETE FROM arrival_inbox WHERE votes > 0"),
    ],
)
def test_a_planted_corruption_is_found(connection: Connection, check, corruption: str) -> None:
    assert not check(connection).differences
    assert connection.execute(text(corruption)).rowcount > 0
    found = check(connection)
    assert found.differences
    assert found.looked_at > 0


@pytest.mark.parametrize(
    "corruption",
    [
        "UPDATE entry_hour SET people_count = people_count + 1",
        "DELETE FROM entry_first WHERE generation = 2",
        "UPDATE entry_timing SET half_life_seconds = 7.5",
    ],
)
def test_times_that_the_arrivals_do_not_tell_are_found(
    connection: Connection, entry_id: int, corruption
) -> None:
    fold_waiting(NOW)
    assert refresh_timing(entry_id, NOW)
    sound = check_times(connection, NOW)
    assert (sound.looked_at, sound.differences) == (1, ())
    with transaction() as session:
        assert session.execute(text(corruption)).rowcount > 0
    assert check_times(connection, NOW).differences


def test_a_lost_key_and_a_doubled_row_are_found(connection: Connection) -> None:
    assert not check_unique_keys(connection).differences
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("ALTER TABLE vote DROP CONSTRAINT uq_vote_contest_id_voter_id_entry_id_period")
        )
        connection.execute(text("DROP INDEX uq_vote_contest_id_voter_id_period_slot"))
    else:
        for statement in (
            "CREATE TABLE copy AS SELECT * FROM vote",
            "DROP TABLE vote",
            "CREATE TABLE vote AS SELECT * FROM copy",
        ):
            connection.execute(text(statement))
    lost = check_unique_keys(connection).differences
    assert "vote(contest_id, voter_id, entry_id, period): the database does not enforce this key" in lost
    connection.execute(text("UPDATE vote SET voter_id = (SELECT min(id) FROM voter)"))
    doubled = check_unique_keys(connection).differences
    assert "vote(contest_id, voter_id, entry_id, period): 3 rows share one key" in doubled


def test_a_lost_parent_row_is_found(connection: Connection) -> None:
    assert not check_links_between_tables(connection).differences
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE vote DROP CONSTRAINT fk_vote_voter_id_voter"))
    else:
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        connection.execute(text("UPDATE vote SET voter_id = 99999 WHERE id = 1"))
    assert check_links_between_tables(connection).differences


@pytest.fixture
def own(app: Flask, settings: Settings, tmp_path: Path) -> Settings:
    """Settings with folders of their own."""
    return replace(settings, data=tmp_path)


def store(storage: Storage, suffix: str, age: timedelta = timedelta()) -> str:
    """A stored file that nobody names yet; its key."""
    source = storage.root.parent / "source"
    source.write_bytes(b"film")
    key = make_key(source, suffix, secrets.token_bytes(OWN_BYTES))
    at = (NOW - age).timestamp()
    os.utime(storage.save(key, source), (at, at))
    return key


def test_missing_files_and_orphans_are_found(own: Settings) -> None:
    media = results_of(own)
    film, orphan, _ = (store(media, "mp4", timedelta(hours=age)) for age in (2, 2, 0))
    video = make_video(make_user(), kind="file", video_key=film)
    found = check_files(own, NOW)[1]
    assert found == Check("media files", 4, "files and keys", (f"{orphan} belongs to nobody",))
    video.poster_key = orphan
    db.session.commit()
    media.delete(orphan)
    assert check_files(own, NOW)[1].differences == (f"video {video.id}: its file {orphan} is missing",)
    video.poster_key = film
    db.session.commit()
    twice = f"video {video.id} and video {video.id} share the file {film}"
    assert check_files(own, NOW)[1].differences == (twice,)


def test_a_picture_drawn_anew_while_the_audit_looks_is_no_difference(own: Settings) -> None:
    """Each time that the audit has read the rows, the picture that they name is replaced."""
    media = results_of(own)
    video = make_video(make_user(), card_key=store(media, "jpg"))
    replaced = []

    def draw_anew(*_: object) -> None:
        replaced.append(video.card_key)
        video.card_key = store(media, "jpg")
        db.session.commit()
        media.delete(replaced[-1])

    engine = db.engine
    event.listen(engine, "rollback", draw_anew)
    try:
        checks = [*check_files(own, NOW), check_bytes(own)]
    finally:
        event.remove(engine, "rollback", draw_anew)
    assert count_differences(checks) == 0 and len(replaced) > 3


def test_changed_bytes_are_found_in_every_file_that_a_row_names(own: Settings) -> None:
    originals, media = originals_of(own), results_of(own)
    entry = make_entry()
    keys = {
        column: store(media, "jpg") for column in ("video_key", "poster_key", "thumbnail_key", "card_key")
    }
    original, kit, logo = store(originals, "upload"), store(media, "pdf"), store(media, "png")
    video = make_video(make_user(), kind="file", original_key=original, **keys)
    brand = save(Organisation(name="Pompe Foundation", created_at=NOW))
    save(
        KitPicture(entry_id=entry.id, kind="a4", key=kit, drawn_of=""),
        Sponsor(organisation_id=brand.id, name="Acme", disclosure="Supported by", logo_key=logo),
    )
    owners = {key: f"video {video.id}" for key in (original, *keys.values())}
    owners |= {kit: f"the kit of entry {entry.id}", logo: f"the sponsor of organisation {brand.id}"}
    assert count_differences(check_files(own, NOW + timedelta(days=1))) == 0
    assert check_bytes(own) == Check("file hashes", 7, "files with a hash, 0 without", ())
    for key, owner in owners.items():
        path = (originals if key == original else media).path(key)
        path.write_bytes(b"fiLm")
        assert check_bytes(own).differences == (f"{owner}: its file {key} has other bytes than were stored",)
        path.write_bytes(b"film")


def test_a_hash_that_was_changed_in_the_row_is_found(own: Settings) -> None:
    media = results_of(own)
    key = store(media, "jpg")
    wrong = key[:66] + ("1" if key[66] == "0" else "0") + key[67:]  # the last digit of the hash
    video = make_video(make_user(), poster_key=wrong)
    assert check_files(own, NOW)[1].differences == (f"video {video.id}: its file {wrong} is missing",)
    media.path(key).rename(media.path(wrong))
    assert count_differences(check_files(own, NOW)) == 0
    told = f"video {video.id}: its file {wrong} has other bytes than were stored"
    assert check_bytes(own).differences == (told,)


def test_a_name_without_a_hash_is_told_and_no_difference(own: Settings) -> None:
    media = results_of(own)
    old = f"ab/ab{'0' * 30}.mp4"
    media.save(old, media.path(store(media, "mp4")))
    make_video(make_user(), kind="file", video_key=old)
    assert count_differences(check_files(own, NOW)) == 0
    assert check_bytes(own) == Check("file hashes", 0, "files with a hash, 1 without", ())


@pytest.mark.parametrize(
    ("replace", "words"),
    [
        (Path.mkdir, "cannot be read: It is no file"),
        (os.mkfifo, "cannot be read: It is no file"),  # it would never end
        (lambda path: path.symlink_to("/etc/hostname"), "is a link that leads elsewhere"),
    ],
    ids=["folder", "pipe", "link"],
)
def test_what_is_no_file_of_ours_is_found(own: Settings, replace: Callable[[Path], None], words: str) -> None:
    media = results_of(own)
    key = store(media, "mp4")
    video = make_video(make_user(), kind="file", video_key=key)
    place = media.path(key)
    place.unlink()
    replace(place)
    assert check_bytes(own).differences == (f"video {video.id}: its file {key} {words}",)
    check_files(own, NOW + timedelta(days=1))


def test_the_report_is_short(app: Flask) -> None:
    lines = spell_out(
        [Check("votes", 1234, "votes", tuple(f"vote {n}" for n in range(30))), Check("x", 1, "y", ())]
    )
    assert lines[0] == "votes               1,234 votes: 30 differences"
    assert lines[-2:] == ["    … and 10 more", "x                       1 y: agree"]
