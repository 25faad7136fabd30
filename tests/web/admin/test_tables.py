"""Tables to take away from the desk; rows I01, I03, I05, I06, I07, I09 and I10 of docs/bad_inputs.md."""

import csv
import io
import json
import os
import re
import secrets
import shutil
import tracemalloc
from datetime import timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError
from werkzeug.http import parse_options_header

from quilt.community.models import Comment
from quilt.database import db, transaction
from quilt.jobs.queue import Job
from quilt.ledger.heads import decode_head
from quilt.ledger.leaves import VoteLeaf, encode_leaf
from quilt.results.pieces import PIECE, read_in_pieces
from quilt.results.tables import CUT_SHORT, OF_CONTESTS, OF_THE_SITE, write_csv, write_json
from quilt.results.tasks import make_vote_tables, sweep_vote_tables
from quilt.results.vote_tables import (
    KEPT,
    VoteFile,
    drop_old_votes,
    find_votes,
    folder_of,
    read_name,
    write_votes,
)
from quilt.votes.ledger_models import LedgerLeaf
from quilt.votes.ledgers import find_ledger, find_results, read_lines
from quilt.web import clock
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user
from tests.results.test_service import Contest as Votes
from tests.votes.ledgers import run_batch
from tests.web.site.browsing import post, sign_in

NAMES = [
    "=1+1",
    "فاطمة الزهراء",
    "שרה לוי",
    "Zoë 🧵👩\u200d👩\u200d👧",
    "\u202edesrever\u202c",
    "a\r\nb; \"c\", 'd'",
]


@pytest.fixture
def admin(client):
    admin = make_user("ada@example.org", "Ada", "admin")
    sign_in(client, admin)
    return admin


@pytest.fixture(autouse=True)
def no_files(settings):
    shutil.rmtree(folder_of(settings), ignore_errors=True)


@pytest.fixture
def votes(app, settings):
    """A contest with votes in a signed ledger: of three, two and none."""
    made = Votes(settings)
    made.vote(3, 2, 0)
    run_batch(made.settings, made.contest)
    return made


def work(settings):
    return Job(settings, clock.now, secrets.token_bytes)


def take(client, path, **query):
    with client.get(path, query_string=query) as answer:
        assert answer.status_code == 200, answer.text
        answer.set_data(answer.get_data())  # read before the file is closed
        return answer


def read_csv(answer, encoding="utf-8"):
    return list(csv.DictReader(io.StringIO(answer.data.decode(encoding), newline="")))


def test_every_table_can_be_taken(client, admin):
    contest = make_contest()
    make_entry(contest)
    paths = [f"/admin/contests/{contest.id}/tables/{name}" for name in OF_CONTESTS]
    paths += [f"/admin/tables/{name}" for name in OF_THE_SITE]
    for path in paths:
        rows, same = read_csv(take(client, f"{path}.csv")), take(client, f"{path}.json").json
        assert len(rows) == len(same)
        assert all(list(row) == list(other) for row, other in zip(rows, same, strict=True))
    page = client.get(f"/admin/contests/{contest.id}/tables").text + client.get("/admin/tables").text
    assert [path for path in paths if f'formaction="{path}.csv"' not in page] == [] and len(paths) == 9


@pytest.mark.parametrize("query", [{}, {"mark": "1"}], ids=["plain", "marked"])
def test_I03_names_of_every_script_come_back_as_they_were(client, admin, query):
    contest = make_contest()
    for name in NAMES:
        make_entry(contest, make_user(name=name), title=name)
    path = f"/admin/contests/{contest.id}/tables/entries"
    answer = take(client, f"{path}.csv", **query)
    assert answer.data.startswith(b"\xef\xbb\xbf") is bool(query)
    rows = read_csv(answer, "utf-8-sig")
    shown = ["'=1+1", *NAMES[1:]]  # I01 in the table, and never in the JSON
    assert [(row["entrant"], row["title"]) for row in rows] == [(name, name) for name in shown]
    assert [row["title"] for row in take(client, f"{path}.json", **query).json] == NAMES


def test_a_long_table_comes_in_pieces_and_whole(client, admin):
    entries = [make_entry(make_contest()) for _ in range(2)]
    rows = [
        {
            "entry_id": entries[number % 3 > 0].id,
            "author_id": admin.id,
            "text": f"={number}",
            "written_at": NOW,
        }
        for number in range(2 * PIECE + 5)
    ]
    with transaction() as session:
        session.execute(insert(Comment), rows)
    for place, entry in enumerate(entries):
        path = f"/admin/contests/{entry.contest_id}/tables/comments"
        texts = [row["text"] for row in rows if row["entry_id"] == entry.id]
        assert [row["text"] for row in take(client, f"{path}.json").json] == texts, place
        assert [row["text"] for row in read_csv(take(client, f"{path}.csv"))] == [
            f"'{text}" for text in texts
        ]
    statement = select(Comment.text).where(Comment.id > 0)
    reading = read_in_pieces(Comment.id, statement)
    tracemalloc.start()
    assert sum(1 for _ in reading) == len(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    tracemalloc.start()
    every = db.session.execute(statement).all()
    assert peak < tracemalloc.get_traced_memory()[1] and len(every) == len(rows)
    tracemalloc.stop()


def test_a_table_that_is_cut_short_says_so():
    def rows():
        yield 1, 2, "Ana", "visible", "Lovely.", NOW
        raise OperationalError("SELECT", {}, Exception("gone"))

    table = OF_CONTESTS["comments"]
    lines = "".join(write_csv(table, rows(), has_mark=False)).splitlines()
    assert lines[0].startswith("id,entry") and CUT_SHORT in lines[-1]
    with pytest.raises(OperationalError):
        "".join(write_json(table, rows()))


BAD_DAYS = [
    ("2026-05-02", "2026-05-01", "comes before"), ("2026-02-31", "", "a day that there is"),
    ("0000-01-01", "", "a day that there is"), ("", "99999-01-01", "a day that there is"),
    ("' OR 1=1 --", "", "a day that there is"), ("2026-5-1", "", "a day that there is"),
    ("", "9999-12-31", "a day that there is"), ("٢٠٢٦-٠٥-٠١", "", "a day that there is"),
]  # fmt: skip


@pytest.mark.parametrize(("since", "until", "words"), BAD_DAYS)
def test_I09_days_that_there_are_not(client, admin, count_queries, since, until, words):
    contest = make_contest()
    for path in (f"/admin/contests/{contest.id}/tables/entries.csv", "/admin/tables/log.json"):
        answer = client.get(path, query_string={"since": since, "until": until})
        assert answer.status_code == 422 and words in answer.text
        assert "Content-Disposition" not in answer.headers
        for typed in filter(None, (since, until)):
            assert f'value="{typed}"'.replace("'", "&#39;") in answer.text


def test_days_are_those_of_the_contests_own_clocks(client, admin):
    contest = make_contest(time_zone="Pacific/Auckland")  # a day there begins at noon before, in May
    first, second = make_entry(contest), make_entry(contest)
    with transaction() as session:
        session.get(type(first), first.id).created_at = clock.now().replace(2026, 5, 9, 11, 59)
        session.get(type(second), second.id).created_at = clock.now().replace(2026, 5, 9, 12, 1)
    path = f"/admin/contests/{contest.id}/tables/entries.json"
    found = [
        [row["id"] for row in take(client, path, **query).json]
        for query in (
            {"until": "2026-05-09"},
            {"since": "2026-05-10"},
            {"since": "2026-05-09", "until": "2026-05-10"},
        )
    ]
    assert found == [[first.id], [second.id], [first.id, second.id]]


def test_I10_a_title_makes_no_header_and_no_path(client, admin):
    contest = make_contest(title='../../x"; filename=evil.exe\r\nSet-Cookie: a=b')
    other = make_contest(title="Für Žižkov 🧵")
    said = [
        take(client, f"/admin/contests/{one.id}/tables/entries.csv").headers["Content-Disposition"]
        for one in (contest, other)
    ]
    kind, words = parse_options_header(said[0])
    assert kind == "attachment" and set(words) == {"filename"}
    assert words["filename"] == "x  filename evil.exe Set-Cookie  a b – Entries.csv"
    assert re.fullmatch(r'attachment; filename="[^"/\\\r\n]+"; filename\*=UTF-8\'\'[\w.%-]+', said[0])
    assert "Set-Cookie" not in take(client, "/admin/tables").headers
    assert "filename*=UTF-8''F%C3%BCr%20%C5%BDi%C5%BEkov%20%F0%9F%A7%B5" in said[1]
    assert re.search(r'filename="?Fur Zizkov', said[1]), "and one for who reads ASCII alone"


def ask(client, contest, file_format="csv", **fields):
    answer = post(client, f"/admin/contests/{contest.id}/tables/votes", file_format=file_format, **fields)
    assert answer.status_code == 303
    return f"/admin/contests/{contest.id}/tables/votes-{find_ledger(contest.id).size}.{file_format}"


def test_I05_votes_are_written_by_a_worker_and_taken_piece_by_piece(client, admin, votes, settings):
    assert client.get(f"/admin/contests/{votes.id}/tables/votes-1.csv").status_code == 410
    path = ask(client, votes)
    waiting = client.get(path)
    assert waiting.status_code == 202 and waiting.headers["Retry-After"] == "5"
    assert "being written" in waiting.text
    make_vote_tables(work(settings))
    whole = take(client, path)
    assert path in client.get(f"/admin/contests/{votes.id}/tables").text
    pieces = b""
    while len(pieces) < len(whole.data):
        part = client.get(
            path,
            headers={"Range": f"bytes={len(pieces)}-{len(pieces) + 99}", "If-Range": whole.headers["ETag"]},
        )
        with part:
            assert part.status_code == 206
            pieces += part.data
    assert pieces == whole.data
    assert len(read_csv(whole)) == 5
    assert oct(next(folder_of(settings).glob("*.csv")).stat().st_mode)[-3:] == "600"


def test_a_table_of_many_votes_takes_no_more_memory(app, votes, settings):  # I05
    size, count = find_ledger(votes.id).size, 6_000
    line = VoteLeaf(find_ledger(votes.id).name, votes.entries[0], "", "email", "2026-05-10T12Z", b"")
    wanted = VoteFile(votes.id, size + count, "csv")

    def peak():
        tracemalloc.start()
        path = write_votes(wanted, settings, secrets.token_bytes)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used, path

    with transaction() as session:
        for number in range(size, size + count):
            leaf = VoteLeaf(line.contest, line.entry, "", "email", line.hour, number.to_bytes(32))
            session.add(LedgerLeaf(contest_id=votes.id, number=number, line=encode_leaf(leaf).decode()))
    used, path = peak()
    assert len(path.read_text().splitlines()) == 1 + 5 + count
    wanted = VoteFile(votes.id, size + count // 3, "csv")
    assert used - peak()[0] < 40 * count * 2 / 3, "a vote more costs a byte, not a row"


def test_I06_the_table_is_that_of_one_signed_head(client, admin, votes, settings):
    path = ask(client, votes, "json")
    head = find_ledger(votes.id)
    votes.vote(0, 0, 4)  # while it is being written
    run_batch(votes.settings, votes.contest, at=NOW + timedelta(minutes=20))
    assert find_ledger(votes.id).size > head.size
    make_vote_tables(work(settings))
    told = take(client, path).json
    assert told["tree_size"] == head.size and told["head"] == json.loads(head.head_line)
    assert bytes.fromhex(told["head"]["root"]) == decode_head(head.head_line.encode()).head.root
    results = json.loads(find_results(votes.id, head.size))
    sums = {row["entry"]: row["counted"] for row in results["tally"]}
    state, entry = told["columns"].index("state"), told["columns"].index("entry")
    counted = [row[entry] for row in told["votes"] if row[state] == "counted"]
    assert {number: counted.count(number) for number in sums} == sums and sum(sums.values()) == 5
    lines = "".join(read_lines(votes.id, head.size)).splitlines()
    assert [row[0] for row in told["votes"]] == [
        number for number, line in enumerate(lines) if json.loads(line)["kind"] == "vote"
    ]
    rows = read_csv(take(client, make(client, votes, settings)))
    assert {row["tree_size"] for row in rows} == {str(find_ledger(votes.id).size)} and len(rows) == 9


def make(client, votes, settings):
    path = ask(client, votes)
    make_vote_tables(work(settings))
    return path


def test_a_killed_worker_leaves_no_half_table(client, admin, votes, settings):  # I07
    path = ask(client, votes)
    wanted = VoteFile(votes.id, find_ledger(votes.id).size, "csv")
    half = folder_of(settings) / f"{wanted.name}.0badcafe.part"
    half.write_text("tree_size,leaf,en")
    assert find_votes(wanted, settings) is None and client.get(path).status_code == 202
    sweep_vote_tables(work(settings))
    assert len(read_csv(take(client, path))) == 5 and find_votes(wanted, settings) is not None
    then = (clock.now() - KEPT - timedelta(minutes=1)).timestamp()
    os.utime(half, (then, then))
    sweep_vote_tables(work(settings))
    assert [file.name for file in folder_of(settings).iterdir()] == [wanted.name]


def test_tables_of_votes_are_there_for_three_days(votes, settings):
    wanted = VoteFile(votes.id, find_ledger(votes.id).size, "csv")
    path = write_votes(wanted, settings, secrets.token_bytes)
    assert drop_old_votes(settings, clock.now()) == 0
    then = (clock.now() - timedelta(days=3, minutes=1)).timestamp()
    os.utime(path, (then, then))
    assert drop_old_votes(settings, clock.now()) == 1 and find_votes(wanted, settings) is None


@pytest.mark.parametrize("name", ["votes-1-2.csv", "votes-1-2-mark.csv", "votes-1-2.json"])
def test_names_of_files_are_read_back(name):
    assert read_name(name).name == name


@pytest.mark.parametrize(
    "name", ["votes-1.csv", "votes-1-x.csv", "votes-1-2.exe", "votes-1-2-3.csv", "../votes-1-2.csv"]
)
def test_other_names_are_nobodys(name):
    assert read_name(name) is None


def test_before_voting_there_are_none(client, admin):
    contest = make_contest()
    assert post(client, f"/admin/contests/{contest.id}/tables/votes", file_format="csv").status_code == 409
