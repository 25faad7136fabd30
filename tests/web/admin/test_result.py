"""The way to a result through the desk's pages, by two people, up to the file that proves it."""

import io
import json
import secrets
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from quilt.database import db
from quilt.jobs.queue import Job
from quilt.results.queries import find_result, list_prizes
from quilt.results.tasks import answer_gate_request
from quilt.votes.ledger_models import Ledger
from quilt.web.clock import now
from tests.factories import make_contest, make_entry, make_user
from tests.votes.ledgers import SECRET, cast, run_batch, start_ledger, verify
from tests.web.site.browsing import open_page, post, sign_in


@pytest.fixture
def contest(app, settings):
    """Its voting ended yesterday, with two votes for the bus and one for the river."""
    opens = now() - timedelta(days=3)
    contest = make_contest(opens=opens, closes=now() - timedelta(days=1))
    start_ledger(settings, contest, opens)
    for title, votes in (("The library bus", 2), ("A <river>", 1)):
        cast(make_entry(contest, title=title), votes, opens + timedelta(hours=1))
    run_batch(settings, contest, at=now())
    app.extensions["quilt_settings"] = replace(settings, secret_key=SECRET)  # the votes are cast with it
    yield contest
    app.extensions["quilt_settings"] = settings


@pytest.fixture
def desks(app):
    """Two people at the desk, each with a browser."""
    clients = [app.test_client(), app.test_client()]
    for client in clients:
        sign_in(client, make_user(role="admin"))
    return clients


def do(client, contest, step, **fields):
    """Press a button of the desk, and let the worker do what it is asked for."""
    answer = post(client, f"/admin/contests/{contest.id}/result/{step}", **fields)
    settings = client.application.extensions["quilt_settings"]
    answer_gate_request(Job(settings, now, secrets.token_bytes), contest.id)
    db.session.rollback()
    return answer


def test_from_the_gate_to_the_pack(contest, desks, tmp_path):
    one, other = desks
    desk, pack = f"/admin/contests/{contest.id}/result", f"/admin/contests/{contest.id}/result/pack.zip"
    assert one.get(pack).status_code == 409
    assert do(one, contest, "gate").status_code == 303
    assert "The gate is passed." in one.get(desk).text and find_result(contest.id) is None
    assert do(one, contest, "gate", action="propose").location == desk
    refused = do(one, contest, "approve")
    assert refused.status_code == 409 and "somebody else has to approve it" in refused.text
    public = f"/contests/{contest.slug}/results"
    assert "The library bus" not in one.get(public).text and one.get(pack).status_code == 409
    assert do(other, contest, "approve").status_code == 303
    assert "The library bus" in one.get(public).text and "A &lt;river&gt;" in one.get(public).text
    answer = one.get(pack)
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "private, no-store"
    assert f"{contest.slug}-evidence.zip" in answer.headers["Content-Disposition"]
    zipfile.ZipFile(io.BytesIO(answer.data)).extractall(tmp_path / "pack")
    answer.close()
    code, told = verify(tmp_path / "pack")
    assert code == 0 and json.loads((tmp_path / "pack" / "results.json").read_text())["final"], told


def test_a_result_is_taken_back_with_a_reason_that_all_can_read(contest, desks):
    one, other = desks
    do(one, contest, "gate", action="propose")
    do(other, contest, "approve")
    refused = do(one, contest, "back", words=" ")
    assert refused.status_code == 409 and "Say why" in refused.text
    assert do(one, contest, "back", words="A film was not theirs.").status_code == 303
    assert find_result(contest.id) is None and list_prizes(contest.id) == []
    pages = [open_page(one, f"/contests/{contest.slug}{path}").text for path in ("", "/results", "/rules")]
    for page in pages:
        assert "was taken back" in page and "A film was not theirs." in page
    assert "The library bus" not in pages[1] and "The count is being checked again." in pages[1]
    assert "The result was published" not in pages[0] and "See the places" not in pages[0]
    assert "The result was published." in pages[2] and "News" not in pages[2]
    desk = one.get(f"/admin/contests/{contest.id}/result").text
    assert "Appeals are open" not in desk and "A film was not theirs." in desk


def test_the_desk_says_what_it_waits_for(contest, desks):
    desk = f"/admin/contests/{contest.id}/result"
    post(desks[0], f"{desk}/gate", action="try")
    asked = desks[0].get(desk).text
    assert "The gate is being asked" in asked and "It has not been tried yet." not in asked
    assert 'data-waiting="gate"' in asked and 'content="5"' in asked and "last head" not in asked
    db.session.execute(update(Ledger).values(batch_at=now() - timedelta(days=1)))
    db.session.commit()
    assert 'data-waiting="head"' in desks[0].get(desk).text


def test_a_misspelt_value_stays_in_its_field(contest, desks):
    answer = do(desks[0], contest, "gate", value="7, <8>")
    assert answer.status_code == 409 and "letters, digits and dots" in answer.text
    assert 'value="7, &lt;8&gt;"' in answer.text


def test_prizes_wait_for_the_appeals(contest, desks):
    one, other = desks
    do(one, contest, "gate", action="propose")
    do(other, contest, "approve")
    for step in ("1", "1/pass-on"):
        answer = post(
            one, f"/admin/contests/{contest.id}/prizes/{step}", step="verified", words="Papers seen."
        )
        assert answer.status_code == 409 and "The time for appeals is not over yet" in answer.text
    assert [prize.state for prize in list_prizes(contest.id)] == ["promised"]
