"""The examples of docs/api.md work as they stand there."""

import re

from flask.testing import FlaskClient

from quilt.config import ROOT
from tests.web.api.seeds import Seed, bearer


def test_the_ten_examples_work(client: FlaskClient, seed: Seed) -> None:
    words = (ROOT / "docs" / "api.md").read_text()
    examples = re.findall(r"^(GET|POST) (/api/\S+)$", words, re.MULTILINE)
    assert len(examples) == 10
    for method, address in examples:
        path = address.format(slug=seed.contest.slug, entry=seed.entry.id)
        is_own = method == "POST" or "/me/" in path
        headers = bearer(seed.token) | {"Idempotency-Key": "a-new-one"} if is_own else {}
        answer = client.open(path, method=method, headers=headers, json={} if method == "POST" else None)
        assert answer.status_code == (201 if method == "POST" else 200), f"{method} {path}: {answer.text}"
