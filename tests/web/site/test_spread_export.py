"""The tree to take away: whole, anonymous, and enough for a stranger to recompute the page."""

import csv
import io
import json
import re
import subprocess
import sys
import threading
from collections import Counter

import networkx as nx
import pytest
from werkzeug.serving import make_server

from quilt.arrivals.exclusions import exclude_arrival
from quilt.arrivals.overview import list_generations
from quilt.arrivals.queries import describe_spread
from quilt.config import ROOT
from tests.arrivals.planting import plant
from tests.conftest import NOW
from tests.factories import make_entry, make_user

TREE = [-1, -1, 0, 0, 2, 4, 4, 1, -1, 0, 9, 10]
CHANNELS = ("wa", "", "shout-abuse", "mail")
FORMATS = ("json", "csv", "graphml")


@pytest.fixture
def entry(app):
    return make_entry()


def read_csv(answer):
    return list(csv.DictReader(io.StringIO(answer.text)))


def export(client, entry, file_format, **headers):
    return client.get(f"/entries/{entry.id}/spread.{file_format}", headers=headers)


def test_the_lines_of_the_document_recompute_the_page(app, client, entry, tmp_path):
    """Exactly the code of docs/spread.md, in a Python of its own, against a served export."""
    plant(entry, TREE, channels=CHANNELS)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "spread.md").read_text(), re.DOTALL)
    assert len(blocks) == 1 and len(blocks[0].splitlines()) == 10
    (tmp_path / "check.py").write_text(blocks[0])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.port}/entries/{entry.id}/spread.csv"
        run = subprocess.run(
            [sys.executable, tmp_path / "check.py", address],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert run.returncode == 0, run.stderr
    figures = describe_spread(entry.id)
    people = [generation.people for generation in list_generations(entry.id)]
    ratios = [round(after / before, 2) for before, after in zip(people, [*people[1:], 0], strict=True)]
    assert run.stdout.splitlines() == [
        f"reached {figures.reach} passed it on {figures.passed_on} chain {figures.longest_chain}",
        f"generations {people} R {ratios}",
        f"channels {{'wa': 3, '': 3, 'other': 3, 'mail': 3}} structural virality {figures.structural_virality:.6f}",
    ]


def test_three_forms_of_one_tree(client, entry):
    plant(entry, TREE, channels=CHANNELS, minutes=25)
    rows = read_csv(export(client, entry, "csv"))
    assert [row["parent"] for row in rows] == ["", *(str(parent + 1) for parent in TREE)]
    assert [row["index"] for row in rows] == [str(index) for index in range(len(TREE) + 1)]
    assert rows[0] == {"index": "0", "parent": "", "generation": "0", "hour": "", "channel": ""}
    assert rows[12] == {"index": "12", "parent": "11", "generation": "4", "hour": "2026-05-10T16:00Z", "channel": "mail"}  # fmt: skip
    document = json.loads(export(client, entry, "json").text)
    assert document["columns"] == ["index", "parent", "generation", "hour", "channel"]
    told = [[str(cell) if cell is not None else "" for cell in node] for node in document["nodes"]]
    assert told == [list(row.values()) for row in rows]
    graph = nx.read_graphml(io.BytesIO(export(client, entry, "graphml").data), node_type=int)
    assert sorted(graph.edges) == sorted((parent + 1, child) for child, parent in enumerate(TREE, 1))
    assert graph.nodes[12] == {"generation": 4, "hour": "2026-05-10T16:00Z", "channel": "mail"}
    assert Counter(nx.get_node_attributes(graph, "generation").values()) == {0: 1, 1: 3, 2: 4, 3: 2, 4: 3}


@pytest.mark.parametrize("file_format", FORMATS)
def test_nothing_in_it_names_anybody(client, entry, file_format):
    plant(entry, TREE, channels=CHANNELS, minutes=7)
    text = export(client, entry, file_format).text
    assert "shout" not in text and f"c{entry.id}-" not in text and "own0" not in text
    minutes = re.findall(r"T\d\d:(\d\d)(?=Z)", text)
    assert minutes and set(minutes) == {"00"}


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_tag_follows_the_fold(client, entry, file_format):
    plant(entry, TREE)
    first = export(client, entry, file_format)
    assert first.headers["X-Robots-Tag"] == "noindex" and first.headers["Cache-Control"] == "public, no-cache"
    assert f'filename="spread-{entry.id}.{file_format}"' in first.headers["Content-Disposition"]
    again = export(client, entry, file_format, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    plant(entry, [-1])
    after = export(client, entry, file_format, **{"If-None-Match": first.headers["ETag"]})
    assert after.status_code == 200 and after.headers["ETag"] != first.headers["ETag"]
    head = client.head(f"/entries/{entry.id}/spread.{file_format}")
    assert head.status_code == 200 and head.headers["ETag"] == after.headers["ETag"]


@pytest.mark.parametrize("file_format", FORMATS)
def test_below_five_people_there_is_nothing(client, entry, file_format):
    plant(entry, [-1, 0, 1, 2])
    answer = export(client, entry, file_format)
    assert answer.status_code == 404 and "Fewer than five" in answer.text
    plant(entry, [-1])
    assert export(client, entry, file_format).status_code == 200


def test_what_is_in_no_figure_is_not_in_it(client, entry):
    ids = plant(entry, TREE)
    exclude_arrival(ids[2], make_user(role="moderator").id, "One hand.", now=NOW)
    rows = read_csv(export(client, entry, "csv"))
    assert len(rows) - 1 == describe_spread(entry.id).reach == 8
    graph = nx.DiGraph((int(row["parent"]), int(row["index"])) for row in rows[1:])
    assert nx.is_arborescence(graph)


def test_what_is_not_public_is_not_there(client, app):
    hidden = make_entry(state="withdrawn")
    plant(hidden, TREE)
    assert export(client, hidden, "csv").status_code == 404
    assert client.get("/entries/999999/spread.csv").status_code == 404
    assert client.get(f"/entries/{hidden.id}/spread.xml").status_code == 404


def test_a_large_tree_comes_in_pieces(client, entry):
    plant(entry, range(-1, 9_999))
    answer = client.get(f"/entries/{entry.id}/spread.csv", buffered=False)
    pieces = list(answer.iter_encoded())
    assert len(pieces) > 5
    assert b"".join(pieces).decode().splitlines()[-1] == "10000,9999,10000,2026-05-17T10:00Z,wa"
