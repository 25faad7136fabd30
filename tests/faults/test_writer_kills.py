"""The writer process is killed again and again: what was acknowledged is there, once, and the site goes on."""

import http.client
import json
import os
import pickle
import secrets
import signal
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, text

from quilt import committer
from quilt.committer import ADDRESS, keep_writer
from quilt.config import Settings
from quilt.database import db, prepare_engine
from quilt.web.tickets import issue_ticket
from quilt.writer import RemoteCommitter
from quilt.writing import Committer, GroupWriter, Piece
from tests.conftest import empty_tables
from tests.factories import make_contest, make_entry, make_user, make_users
from tests.faults.processes import HAS_PROC, find_writer
from tests.live import Site, open_site, sign_cookie, sign_cookies

CLIENTS, VOTES_EACH, KILLS = 8, 100, 4
BREATH = 0.05  # seconds between a client's votes: a writer that was killed takes a second to come back


def vote_until_acknowledged(site: Site, entry_id: int, voter: int, cookie: str) -> str:
    """Press until a receipt comes back, as a person would."""
    headers = {
        "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json", "User-Agent": f"Mozilla/5.0 (X11; Linux) Firefox/{voter}",
    }  # fmt: skip
    while True:
        secret = site.settings.secret_key
        ticket = issue_ticket(entry_id, str(voter), secret, datetime.now(UTC), secrets.token_bytes)
        with closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)) as connection:
            form = urllib.parse.urlencode({"ticket": ticket})
            connection.request("POST", f"/entries/{entry_id}/vote", form, headers)
            with connection.getresponse() as response:
                response.read()
                if response.status in (200, 201):
                    return str(voter)
                assert response.status == 503, response.status


@pytest.mark.skipif(not HAS_PROC, reason="looks for processes in /proc")
def test_no_acknowledged_vote_is_lost_or_doubled_when_the_writer_is_killed(database, tmp_path):
    with open_site(tmp_path / "site", "" if database.startswith("sqlite") else database) as site:
        moment = datetime.now(UTC)
        with site.app.app_context():
            contest = make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
            entry_id = make_entry(contest).id
            voters = make_users(CLIENTS * VOTES_EACH)
            db.session.remove()
        cookies = sign_cookies(site.app, voters)
        acknowledged: list[str] = []

        def press(mine: list[int]) -> None:
            for voter in mine:
                acknowledged.append(vote_until_acknowledged(site, entry_id, voter, cookies[voter]))
                time.sleep(BREATH)

        clients = [threading.Thread(target=press, args=(voters[n::CLIENTS],)) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        killed = set()
        while len(killed) < KILLS and any(client.is_alive() for client in clients):
            writer = find_writer(site.server)
            if writer is not None and writer not in killed:
                time.sleep(0.15)
                os.kill(writer, signal.SIGKILL)
                killed.add(writer)
            time.sleep(0.02)
        for client in clients:
            client.join()
        time.sleep(1)
        writer = find_writer(site.server)
        assert len(killed) >= 2 and writer is not None  # it comes back
        with site.app.app_context():
            rows = db.session.execute(text("SELECT count(*), count(DISTINCT voter_id) FROM vote")).one()
            counter = db.session.execute(text("SELECT standing FROM entry_tally")).scalar()
            empty_tables()
        assert len(acknowledged) == len(voters) == rows[0] == rows[1] == counter
    assert not Path("/proc", str(writer)).exists()


@pytest.fixture
def writer(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[tuple[GroupWriter, int, str]]:
    """A writer process on a fresh SQLite database: the way to it, its number, and its address."""
    if not HAS_PROC:
        pytest.skip("looks for processes in /proc")
    settings = Settings(environment="test", data=tmp_path)
    with keep_writer(settings):
        address = os.environ[ADDRESS]
        while not Path(address).exists():
            time.sleep(0.05)
        engine = create_engine(settings.database)
        prepare_engine(engine)
        way = GroupWriter(RemoteCommitter(address, Committer(engine)))
        process = find_writer(os.getpid())
        yield way, process, address
        assert find_writer(os.getpid()) == process  # it has lived through it
        way.close()
        engine.dispose()
    assert find_writer(os.getpid()) is None
    told = capfd.readouterr().err
    assert "writer_" not in told  # it ended by itself, and well


def test_a_caller_that_is_gone_or_talks_nonsense_harms_nobody(writer):
    way, _, address = writer
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as rude:
        rude.connect(address)
        rude.send(pickle.dumps([(pause, (0.3,))]))
    for _ in range(3):
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as another:
            another.connect(address)
            another.send(b"no pickle at all")
            assert another.recv(100) == b""
    assert way.submit(pause, (0.0,)) == 0.0


def test_what_is_too_long_to_travel_is_committed_here_and_nothing_is_cut(writer):
    way, process, _ = writer
    assert way.submit(find_place, ("x",)) == process
    assert way.submit(find_place, ("x" * 70_000,)) == os.getpid()
    with pytest.raises(ValueError, match="too long"):
        way.submit(repeat, ("x", 70_000))
    assert way.submit(repeat, ("x", 60_000)) == "x" * 60_000


def test_each_of_a_group_hears_its_own_outcome(writer):
    """Those that wait while the first is committed travel together: long ones, one that fails, one that cannot travel."""
    way, process, _ = writer
    asked = [(pause, (0.3,)), (repeat, ("a", 3)), (fail, ("bad luck",)), (repeat, ("y", 60_000)),
             (find_place, (threading.Lock(),)), (find_place, ("z" * 40_000,)), (find_place, ("z" * 40_000,))]  # fmt: skip
    heard: dict[int, object] = {}

    def ask(number: int) -> None:
        try:
            heard[number] = way.submit(*asked[number])
        except Exception as error:  # noqa: BLE001
            heard[number] = str(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(asked))]
    for thread in threads:
        thread.start()
        time.sleep(0.03)
    for thread in threads:
        thread.join(20)
    there = process
    assert heard == {
        0: 0.3, 1: "aaa", 2: "bad luck", 3: "y" * 60_000, 4: os.getpid(), 5: there, 6: there
    }  # fmt: skip


def test_an_error_that_cannot_travel_is_told_in_words_and_harms_no_other(writer):
    way, *_ = writer
    with pytest.raises(RuntimeError, match="Picky"):
        way.submit(fail_within, ())
    assert way.submit(repeat, ("a", 2)) == "aa"


@pytest.mark.skipif(not HAS_PROC, reason="looks for processes in /proc")
def test_a_writer_that_hangs_is_replaced(tmp_path, monkeypatch, capfd):
    for name, seconds in (("CHECK", 0.2), ("HUNG", 2.0), ("REST", 0.0)):
        monkeypatch.setattr(committer, name, seconds)
    with keep_writer(Settings(environment="test", data=tmp_path)):
        while (first := find_writer(os.getpid())) is None or not Path(os.environ[ADDRESS]).exists():
            time.sleep(0.02)
        time.sleep(0.7)
        assert find_writer(os.getpid()) == first and capfd.readouterr().err == ""  # one that answers lives on
        os.kill(first, signal.SIGSTOP)
        while find_writer(os.getpid()) in (None, first):
            time.sleep(0.02)
    told = [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()]
    assert told == ["writer_hangs", "writer_ended"]


def test_a_full_disk_takes_no_acknowledged_work_back(tmp_path):
    """SQLite ends the transaction itself then: nobody in the group may be told that theirs is kept, unless it is."""
    engine = create_engine(f"sqlite:///{tmp_path / 'full.db'}")
    prepare_engine(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE kept (words TEXT)")
    engine.dispose()
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA max_page_count=20"))
    ours = Committer(engine)
    group = [
        Piece(keep, ("one",)),
        Piece(keep, ("two",)),
        Piece(keep, ("x" * 400_000,)),
        Piece(keep, ("three",)),
    ]
    ours.commit(group)
    ours.close()
    with engine.connect() as connection:
        rows = [words for (words,) in connection.exec_driver_sql("SELECT words FROM kept")]
    engine.dispose()
    assert [piece.error is None for piece in group] == [True, True, False, True]
    assert rows == ["one", "two", "three"]


def keep(connection, words):
    connection.exec_driver_sql("INSERT INTO kept VALUES (?)", (words,))


class Picky(Exception):
    def __init__(self, one, two):
        super().__init__(one + two)


def fail_within(_connection):
    raise LookupError(Picky("one", "two"))


def pause(_connection, seconds):
    time.sleep(seconds)
    return seconds


def repeat(_connection, text, times):
    return text * times


def find_place(_connection, _thing):
    return os.getpid()


def fail(_connection, words):
    raise LookupError(words)


def test_a_site_without_a_writer_commits_by_itself(tmp_path):
    """The writer's door is shut (its socket is gone): the workers go on."""
    with open_site(tmp_path / "site", extra={"TMPDIR": str(tmp_path)}) as site:
        while not (doors := list(tmp_path.glob("quilt-writer-*/socket"))):
            time.sleep(0.05)
        doors[0].unlink()
        moment = datetime.now(UTC)
        with site.app.app_context():
            contest = make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
            entry_id, voter = make_entry(contest).id, make_user().id
            db.session.remove()
        vote_until_acknowledged(site, entry_id, voter, sign_cookie(site.app, voter))
        with site.app.app_context():
            assert db.session.execute(text("SELECT count(*) FROM vote")).scalar() == 1
            db.session.remove()
