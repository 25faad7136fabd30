"""No route breaks by what no page of ours sends: numbers that no row has, and JSON in the place of a form."""

import re

import pytest
from werkzeug.test import TestResponse

from tests.guards.routes import ROUTES, Route
from tests.guards.test_routes import ROLES, Cast, Stage, expect, list_paths, stage, stages  # noqa: F401

UNFIT = (2**63, 10**30, "9" * 5000)
BODIES = ("5", "1e999", "[1]", "[" * 100_000, '"x"')
POSTS = [call for call in ROUTES if call[1] == "POST"]


@pytest.mark.parametrize("call", ROUTES, ids=".".join)
def test_G20_a_number_that_no_row_has_is_not_found(stage: Stage, call: tuple[str, str]) -> None:  # noqa: F811
    cast = stage.set(ROUTES[call].state)
    for rule in stage.app.url_map.iter_rules(call[0]):
        for path in list_unfit(rule.rule, cast):
            # Where the same address takes another method as well, werkzeug says so before it looks at the number.
            status = send(stage, cast, path, call[1], ROUTES[call]).status_code
            assert status == 404 or (status == 405 and call[1] == "POST"), path[:99]


def test_most_routes_have_a_number_and_the_greatest_fits(stage: Stage) -> None:  # noqa: F811
    cast, rules = stage.set("published"), list(stage.app.url_map.iter_rules())
    assert sum(len(list_unfit(rule.rule, cast)) for rule in rules) > 300
    addresses = stage.app.url_map.bind("localhost")
    assert addresses.match(f"/admin/integrity/votes/{2**63 - 1}")[1] == {"vote_id": 2**63 - 1}


@pytest.mark.parametrize("call", POSTS, ids=".".join)
def test_json_in_the_place_of_a_form_breaks_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, call: tuple[str, str]  # noqa: F811
) -> None:  # fmt: skip
    monkeypatch.setitem(stage.app.config, "WTF_CSRF_ENABLED", False)
    route = ROUTES[call]
    for body in BODIES[1::2]:
        for path in list_paths(stage.app, call[0], stage.set(route.state)):
            answer = send(stage, stage.set(route.state), path, "POST", route, body)
            assert answer.status_code < 500, f"{path} {body[:9]}: {answer.text[:300]}"


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/code", "/sign-in/password"])
def test_A31_a_form_is_not_sent_as_json(stage: Stage, monkeypatch: pytest.MonkeyPatch, path: str) -> None:  # noqa: F811
    monkeypatch.setitem(stage.app.config, "WTF_CSRF_ENABLED", False)
    for body in (*BODIES, '{"email": "ana@example.org"}'):
        answer = stage.app.test_client().post(path, data=body, content_type="application/json")
        assert (answer.status_code, answer.json["detail"]) == (415, "Send this as a form.")


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/code", "/appeal", "/submit"])
@pytest.mark.parametrize(
    "part", ["", '; name="receipt"', '; name="a\x00b"'], ids=["nameless", "zero", "zero name"]
)
def test_a_part_of_a_form_that_no_person_fills_in_is_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, path: str, part: str  # noqa: F811
) -> None:  # fmt: skip
    value = "a\x00b" if part == '; name="receipt"' else "x"
    body = f"--a\r\nContent-Disposition: form-data{part}\r\n\r\n{value}\r\n--a--\r\n"
    for is_checked in (True, False):
        monkeypatch.setitem(stage.app.config, "WTF_CSRF_ENABLED", is_checked)
        answer = stage.app.test_client().post(path, data=body, content_type="multipart/form-data; boundary=a")
        assert answer.status_code == 400, answer.text[:300]


def list_unfit(rule: str, cast: Cast) -> list[str]:
    """The addresses of a rule with one number that does not fit, all the rest as it should be."""
    parts = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")
    usual = {"slug": "x", **cast.arguments}
    paths = []
    for kind, name in parts.findall(rule):
        for number in UNFIT if kind == "int" else ():
            texts = {**usual, name: number}
            paths.append(parts.sub(lambda part, texts=texts: str(texts[part[2]]), rule))
    return paths


def send(
    stage: Stage, cast: Cast, path: str, method: str, route: Route, body: str = "{}"  # noqa: F811
) -> TestResponse:  # fmt: skip
    """The answer to somebody who may use the route."""
    client = stage.app.test_client()
    role = next((role for role in reversed(ROLES) if expect(route.who, role) == "answered"), "stranger")
    if role != "stranger":
        with client.session_transaction() as session:
            session.update(cast.sessions[role])
    sent = {} if method == "GET" else {"data": body, "content_type": "application/json"}
    return client.open(path, method=method, buffered=True, **sent)
