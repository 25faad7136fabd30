"""One table makes routes, description and documents: nothing is left out, and nothing is promised in vain."""

import hashlib
import json
import re

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as limits
from limits import RateLimitItemPerHour
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from schemathesis.core.failures import FailureGroup

from quilt.config import Settings
from quilt.extensions import limiter
from quilt.web import request_keys
from quilt.web.api import guards
from quilt.web.api.description import build_description
from quilt.web.api.table import OPERATIONS, Operation
from tests.web.api.seeds import Seed, bearer, make_token
from tests.web.api.test_reading import NEEDED, path_of

CALLS = [(each, status) for each in OPERATIONS.values() for status in each.list_statuses()]
EXAMPLES = 6


def test_every_route_is_described(app: Flask) -> None:
    with app.test_request_context():
        described = {
            (re.sub(r"\{(\w+)\}", "{}", path), method.upper())
            for path, methods in build_description()["paths"].items() for method in methods
        }  # fmt: skip
    routes = {
        (re.sub(r"<[^>]+>", "{}", rule.rule), method)
        for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v1")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }  # fmt: skip
    assert len(routes) > 15
    assert routes == described


@pytest.mark.parametrize(("each", "status"), CALLS, ids=[f"{each.name}-{status}" for each, status in CALLS])
def test_every_described_status_is_possible(
    client: FlaskClient, seed: Seed, monkeypatch: pytest.MonkeyPatch, each: Operation, status: int
) -> None:
    path = path_of(each, seed) + NEEDED.get(each.name, "")
    headers = {} if each.is_public else bearer(seed.staff_token)
    body: dict[str, object] = {}
    if each.body is not None:
        headers["Idempotency-Key"], body = "one", {"json": {}}
    if status == 304:
        headers["If-None-Match"] = call(client, each, path, headers, body).headers.get("ETag", "")
    elif status == 401:
        headers.pop("Authorization")
    elif status == 403:
        scope = "votes:write" if each.scope == "me:read" else "me:read"
        headers |= bearer(make_token(seed.voter, [scope]))
    elif status == 404:
        path = re.sub("/contests/[^/?]+", "/contests/no-such-one", path)
        path = path.replace(f"/entries/{seed.entry.id}", "/entries/999999")
    elif status == 422:
        path += "&x=1" if "?" in path else "?x=1"
    elif status == 429:
        monkeypatch.setattr(limiter, "enabled", True)
        monkeypatch.setattr(limiter, "_limiter", FixedWindowRateLimiter(MemoryStorage()))
        for name in ("READS", "WRITES"):
            monkeypatch.setattr(guards, name, RateLimitItemPerHour(1))
        call(client, each, path, headers, body)
    elif status == 409:
        held = (seed.staff_id, hashlib.sha256(b"one").digest())
        monkeypatch.setattr(request_keys, "_running", {held})
    elif status in (400, 413, 415) and each.body is not None:
        body = {400: {"data": "{", "content_type": "application/json"}, 415: {"data": "{}"},
                413: {"data": " " * 17_000, "content_type": "application/json"}}[status]  # fmt: skip
    elif status == 400:
        path += "?after=x"
    elif status == 200 and each.body is not None:
        call(client, each, path, headers, body)
    if each.name == "prove_leaf" and status in (200, 304):
        pytest.skip("the seeded ledger has no leaf; tests of the ledger's own page prove one")
    answer = call(client, each, path, headers, body)
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.mimetype == "application/problem+json"
        assert answer.json["status"] == status and answer.json["code"]


def call(client: FlaskClient, each: Operation, path: str, headers: dict[str, str], body: dict[str, object]):  # type: ignore[no-untyped-def]
    return client.open(path, method=each.method, headers=headers, **body)


def test_the_page_has_every_operation(client: FlaskClient, seed: Seed) -> None:
    page = client.get("/api/docs").text
    assert [name for name in OPERATIONS if f'id="{name}"' not in page] == []
    assert "`" not in page and "<code>Authorization: Bearer …</code>" in page
    assert 'href="/api/docs"' in client.get("/").text
    assert not re.search(r'(src|href)="https?://(?!localhost)', page)


def test_rates_are_told(client: FlaskClient, seed: Seed) -> None:
    headers = client.get("/api/v1/contests").headers
    assert {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} <= set(headers.keys())


@pytest.mark.parametrize("profile", ["anonymous", "with a token"])
def test_a_fuzzer_finds_nothing(app: Flask, seed: Seed, settings: Settings, profile: str) -> None:
    headers = bearer(seed.staff_token) if profile != "anonymous" else {}
    assert fuzz(app, seed, headers) == []


def test_a_fuzzer_finds_a_status_that_is_not_described(
    app: Flask, seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.view_functions, "api.show_contest", lambda slug: ("{}", 418))
    assert any("418" in failure for failure in fuzz(app, seed, {}))


def fuzz(app: Flask, seed: Seed, headers: dict[str, str]) -> list[str]:
    """What schemathesis objects to, over every operation, with a few dozen requests each."""
    client = app.test_client()
    description = json.loads(client.get("/api/v1/openapi.json").data)
    schema = schemathesis.openapi.from_dict(description)
    # An invented `after` or leaf is refused although its kind is right; and our own token stands in for invented ones.
    passed_over = {"RejectedPositiveData"} | ({"IgnoredAuth"} if headers else set())
    failures: list[str] = []
    count = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @limits(max_examples=EXAMPLES, deadline=None, phases=[Phase.generate], database=None,
                suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(case=operation.as_strategy())
        def run(case: schemathesis.Case) -> None:
            nonlocal count
            count += 1
            parameters = {name: value for name, value in (case.path_parameters or {}).items()}
            known = seed.values(case.operation.definition.raw["operationId"])
            case.path_parameters = {**parameters, **{k: v for k, v in known.items() if k in parameters}}
            response = case.call(headers=headers, app=app, base_url="http://localhost")
            try:
                case.validate_response(response)
            except FailureGroup as group:
                found = [each for each in group.exceptions if type(each).__name__ not in passed_over]
                failures.extend(f"{case.operation.label}: {failure}" for failure in found)

        run()
    assert count > EXAMPLES * 8
    return failures
