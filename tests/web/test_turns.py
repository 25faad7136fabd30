"""Only so many requests run at a time, and who waits for a commit is not one of them."""

import threading

from quilt.arrivals import service
from quilt.database import db, write
from quilt.web.front import Front
from quilt.web.turns import Turns, get_turn
from tests.factories import make_entry
from tests.web.site.test_votes import open_contest
from tests.web.test_front import beacon, send


def runs_beside(app):
    """Whether another request is answered at this moment."""
    asking = threading.Thread(target=send, args=(app, "/other"), daemon=True)
    asking.start()
    asking.join(0.3)
    return not asking.is_alive()


def test_a_turn_that_is_ended_lets_the_next_run_and_can_be_taken_again():
    seen = []

    def behind(environ, start_response):
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/":
            turn = get_turn(environ)
            seen.append(runs_beside(turns))
            turn.end()
            turn.end()
            seen.append(runs_beside(turns))
            turn.begin()
            turn.begin()
            seen.append(runs_beside(turns))
        return []

    turns = Turns(behind, 1)
    send(turns, "/")
    assert seen == [False, True, False]
    assert runs_beside(turns) and runs_beside(turns)


def test_who_waits_in_front_keeps_neither_a_connection_nor_a_turn(app, client, monkeypatch):
    entry, seen = make_entry(open_contest()), []
    body = beacon(client, entry)

    def behind(environ, start_response):
        start_response("200 OK", [])
        if environ["PATH_INFO"] != "/other":
            seen.append(("behind", runs_beside(turns)))
        return []

    def refuse(*_):
        raise ValueError

    def look(work, *args):
        seen.append(("waits", db.session.registry.has(), runs_beside(turns)))
        return write(work, *args)

    turns = Turns(Front(app, behind), 1)
    send(turns, "/arrivals", beacon(client, entry), CONTENT_TYPE="application/json")  # the day's first
    monkeypatch.setattr(service, "write", look)
    assert send(turns, "/arrivals", body, CONTENT_TYPE="application/json")[0] == "200 OK"
    assert seen == [("waits", False, True)]
    # What is not answered in front after all takes its turn again before the view.
    monkeypatch.setattr(service, "write", refuse)
    send(turns, "/arrivals", beacon(client, entry), CONTENT_TYPE="application/json")
    assert seen[1:] == [("behind", False)]
