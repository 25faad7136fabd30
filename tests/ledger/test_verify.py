"""The verifier as a stranger runs it: an honest folder agrees, every planted change is found."""

import ast
import http.server
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quilt.ledger.heads import encode_head, sign_head
from quilt.ledger.leaves import EntryLeaf, JudgesLeaf, VoteLeaf, encode_leaf
from quilt.ledger.receipts import encode_receipt
from tests.ledger.books import (
    CONTEST,
    FILES,
    KEY,
    TERMS,
    VERIFIER,
    Book,
    load_verifier,
    make_book,
    make_example,
    make_receipt,
)

MODULE = load_verifier()
AGREES, WRONG, UNKNOWN = 0, 1, 2


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("honest")
    book, receipt = make_example()
    book.publish(folder)
    (folder / "receipt.json").write_bytes(receipt + b"\n")
    (folder / "head.json").write_bytes(encode_head(book.heads[1]) + b"\n")
    return folder


@pytest.fixture
def folder(honest: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(honest, copy)
    return copy


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def run(place: Path | str, *options: str) -> tuple[int, str]:
        code = MODULE.main([str(place), *options])
        return code, capsys.readouterr().out

    return run


def swap_lines(path: Path, first: int, second: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[first], lines[second] = lines[second], lines[first]
    path.write_bytes(b"".join(lines))


def edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    content = path.read_bytes()
    assert change(content) != content
    path.write_bytes(change(content))


def edit_results(folder: Path, change: Callable[[dict], object]) -> None:
    results = json.loads((folder / "results.json").read_text())
    change(results)
    (folder / "results.json").write_text(json.dumps(results))


def test_a_stranger_runs_it_in_one_command(honest: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(VERIFIER), str(honest), "--receipt", str(honest / "receipt.json")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (AGREES, "")
    assert "places    1. entry 17, 2. entry 9, 3. entry 4" in done.stdout
    assert "is leaf 19, for entry 9: counted" in done.stdout
    last = json.loads((honest / "heads.ndjson").read_text().splitlines()[-1])
    assert f"root      {last['root']}, the fingerprint" in done.stdout, "as the page of the ledger shows it"
    assert done.stdout.endswith("Everything agrees.\n")


def test_it_stands_alone_and_runs_on_an_old_python() -> None:
    tree = ast.parse(VERIFIER.read_text(), feature_version=(3, 9))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        )
    }
    assert len(imported) > 5
    assert imported <= sys.stdlib_module_names
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))


def test_a_head_from_an_old_mail_is_found(honest: Path, verify: Callable) -> None:
    code, said = verify(honest, "--head", str(honest / "head.json"))
    assert (code, "is in the chain" in said) == (AGREES, True)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_a_flipped_bit_in_any_file_is_found(
    honest: Path, verify: Callable, name: str, data: st.DataObject
) -> None:
    content = bytearray((honest / name).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    changed = honest.parent / f"{honest.name}-flipped"
    shutil.rmtree(changed, ignore_errors=True)
    shutil.copytree(honest, changed)
    (changed / name).write_bytes(content)
    assert verify(changed)[0] == WRONG


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_a_file_that_ends_early_is_found(
    honest: Path, verify: Callable, name: str, data: st.DataObject
) -> None:
    content = (honest / name).read_bytes()
    kept = content[: data.draw(st.integers(0, len(content) - 2))]
    changed = honest.parent / f"{honest.name}-cut"
    shutil.rmtree(changed, ignore_errors=True)
    shutil.copytree(honest, changed)
    (changed / name).write_bytes(kept)
    assert verify(changed)[0] == WRONG


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("tail", [b"x", b"\n", b"{}\n", b"\0"])
def test_something_behind_the_end_is_found(folder: Path, verify: Callable, name: str, tail: bytes) -> None:
    if (name, tail) == ("results.json", b"\n"):
        return  # one more line feed behind JSON says nothing else
    edit(folder / name, lambda content: content + tail)
    assert verify(folder)[0] == WRONG


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_cannot_be_checked(folder: Path, verify: Callable, name: str) -> None:
    (folder / name).unlink()
    assert verify(folder)[0] == UNKNOWN


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [("ledger.ndjson", 0, 1), ("ledger.ndjson", 3, 12), ("ledger.ndjson", 19, 20), ("heads.ndjson", 0, 1)],
)
def test_swapped_lines_are_found(folder: Path, verify: Callable, name: str, first: int, second: int) -> None:
    swap_lines(folder / name, first, second)
    assert verify(folder)[0] == WRONG


@pytest.mark.parametrize("name", ["ledger.ndjson", "heads.ndjson"])
@pytest.mark.parametrize("place", [0, 1, -1])
@pytest.mark.parametrize("times", [0, 2])
def test_missing_and_doubled_lines_are_found(
    folder: Path, verify: Callable, name: str, place: int, times: int
) -> None:
    lines = (folder / name).read_bytes().splitlines(keepends=True)
    lines[place] = lines[place] * times
    (folder / name).write_bytes(b"".join(lines))
    assert verify(folder)[0] == WRONG


@pytest.mark.parametrize(
    "change",
    [
        lambda results: results["tally"][0].update(counted=4),
        lambda results: results["tally"][0].update(counted=3.0),
        lambda results: results["tally"].pop(),
        lambda results: results["tally"].reverse(),
        lambda results: results["places"].reverse(),
        lambda results: results["places"].pop(),
        lambda results: results["places"].append(23),
        lambda results: results.update(final=False),
        lambda results: results.update(final=1),
        lambda results: results.update(size=20),
        lambda results: results.update(head="00" * 32),
        lambda results: results.update(contest="another"),
        lambda results: results.update(out=[17]),
        lambda results: results.update(points=[{"entry": 4, "points": 9}]),
        lambda results: results.update(draw={"source": TERMS.draw_source, "value": "1.2.3"}),
        lambda results: results.update(draw={"value": 5}),
        lambda results: results.update(v=2),
        lambda results: results.update(more=1),
        lambda results: results.pop("out"),
    ],
)
def test_changed_results_are_found(folder: Path, verify: Callable, change: Callable[[dict], object]) -> None:
    edit_results(folder, change)
    assert verify(folder)[0] == WRONG


def test_a_rewritten_ledger_is_found_by_who_kept_a_head(
    honest: Path, tmp_path: Path, verify: Callable
) -> None:
    rewritten = make_book({17: 5, 4: 9})
    place = rewritten.publish(tmp_path / "rewritten")
    assert verify(place)[0] == AGREES  # by itself it is in order
    code, said = verify(place, "--head", str(honest / "head.json"))
    assert (code, "two versions" in said) == (WRONG, True)
    forged = tmp_path / "forged.json"
    forged.write_bytes((honest / "head.json").read_bytes().replace(b'"size":19', b'"size":18'))
    code, said = verify(place, "--head", str(forged))
    assert (code, "not signed by a key" in said) == (WRONG, True)


def test_a_head_over_other_leaves_is_found(tmp_path: Path, verify: Callable) -> None:
    book = make_book({17: 6, 4: 3})
    dropped = book.lines[2]
    book.lines[2] = encode_leaf(VoteLeaf(CONTEST, 4, "", "email", "2026-05-10T12Z", bytes(32)))
    code, said = verify(book.publish(tmp_path / "changed"))
    assert (code, "another root" in said) == (WRONG, True)
    book.lines[2] = dropped
    assert verify(book.publish(tmp_path / "changed"))[0] == AGREES


def test_leaves_behind_the_last_head_are_found(tmp_path: Path, verify: Callable) -> None:
    book = make_book({17: 5})
    place = book.publish(tmp_path / "more")
    book.cast(17)
    (place / "ledger.ndjson").write_bytes(b"".join(line + b"\n" for line in book.lines))
    code, said = verify(place)
    assert (code, "behind those of the last head" in said) == (WRONG, True)


def test_results_that_break_the_policy_are_found(tmp_path: Path, verify: Callable) -> None:
    book = make_book({17: 5, 4: 3})
    place = book.publish(tmp_path / "device")
    index, _ = book.cast(4, tier="device")
    book.decide([index], "counted")
    book.close_batch()
    files = {"heads.ndjson": map(encode_head, book.heads), "ledger.ndjson": book.lines}
    for name, lines in files.items():
        (place / name).write_bytes(b"".join(line + b"\n" for line in lines))
    code, said = verify(place)
    assert (code, "tier device" in said) == (WRONG, True)


def test_final_results_over_an_undecided_vote_are_found(tmp_path: Path, verify: Callable) -> None:
    book = make_book({17: 5})
    book.cast(17)
    book.close_batch()
    place = book.publish(tmp_path / "open", is_final=False)
    assert verify(place)[0] == AGREES
    edit_results(place, lambda results: results.update(final=True, places=[17]))
    code, said = verify(place)
    assert (code, "no decision" in said) == (WRONG, True)


def test_the_draw_is_repeated(tmp_path: Path, verify: Callable) -> None:
    book = make_book({17: 3, 4: 3, 9: 3})
    place = book.publish(tmp_path / "drawn", value="2.5.8.10.12")
    code, said = verify(place)
    assert (code, "by 2.5.8.10.12" in said, TERMS.draw_source in said) == (AGREES, True, True)
    places = json.loads((place / "results.json").read_text())["places"]
    edit_results(place, lambda results: results.update(places=[places[1], places[0], places[2]]))
    assert verify(place)[0] == WRONG
    edit_results(place, lambda results: results.update(places=places, draw=None))
    code, said = verify(place)
    assert (code, "nothing was drawn" in said) == (WRONG, True)


def test_judges_and_who_is_out_are_recounted(tmp_path: Path, verify: Callable) -> None:
    book = Book(
        type(TERMS)(**{**{name: getattr(TERMS, name) for name in TERMS.__slots__}, "judges_share": 40})
    )
    for entry, votes, points in ((17, 6, 10), (4, 5, 90), (9, 5, 40), (23, 1, 1)):
        book.decide([book.cast(entry)[0] for _ in range(votes)], "counted")
        book.add(JudgesLeaf(CONTEST, entry, points))
    book.add(EntryLeaf(CONTEST, 17, False, "reviewer", "withdrawn"))
    book.close_batch()
    place = book.publish(tmp_path / "judged")
    code, said = verify(place)
    assert (code, "1. entry 4, 2. entry 9, 3. entry 23" in said) == (AGREES, True)
    kinds = "26 (17 votes, 4 decisions, 1 about who is in the running, 4 of the judges)"
    assert kinds in said, "the kinds of leaves add up"


def test_an_empty_ledger_agrees_and_says_so(tmp_path: Path, verify: Callable) -> None:
    book = Book()
    book.close_batch()
    code, said = verify(book.publish(tmp_path / "empty"))
    assert (code, "0 (0 votes, 0 decisions, 0 about" in said) == (AGREES, True)


def test_a_folder_without_a_head_proves_nothing(tmp_path: Path, verify: Callable) -> None:
    place = make_book({17: 1}).publish(tmp_path / "headless")
    (place / "heads.ndjson").write_bytes(b"")
    assert verify(place)[0] == WRONG


def test_a_receipt_waits_until_it_is_due_and_then_accuses(tmp_path: Path, verify: Callable) -> None:
    book = make_book({17: 2})
    receipt = make_receipt(17)  # promised, and never put into this ledger
    late = encode_receipt(receipt)
    early = tmp_path / "receipt.json"
    early.write_bytes(late)
    place = book.publish(tmp_path / "late")
    book.heads = book.heads[:1]
    book.lines = book.lines[: book.heads[0].head.size]
    young = book.publish(tmp_path / "young", is_final=False)
    options = ("--receipt", str(early))
    assert "due at 2026-05-10T12:14:00Z" in verify(young, *options)[1]
    assert verify(young, *options)[0] == UNKNOWN
    code, said = verify(place, *options)
    assert (code, "promise was broken" in said) == (WRONG, True)


def test_a_receipt_of_a_held_vote_says_so(tmp_path: Path, verify: Callable) -> None:
    book = make_book({17: 2})
    index, receipt = book.cast(17)
    book.decide([index], "held", reason="lockstep")
    book.close_batch()
    path = tmp_path / "receipt.json"
    path.write_bytes(encode_receipt(receipt, book.prove(index)) + b"\n")
    code, said = verify(book.publish(tmp_path / "held"), "--receipt", str(path))
    assert (code, "for entry 17: held" in said) == (AGREES, True)


def test_two_heads_of_one_size_are_fine_and_a_policy_change_is_not(tmp_path: Path, verify: Callable) -> None:
    book = make_book({17: 2})
    book.close_batch()
    place = book.publish(tmp_path / "twice")
    assert verify(place)[0] == AGREES
    (place / "policy.json").write_bytes(book.policy.replace(b'"places": 2', b'"places": 1'))
    code, said = verify(place)
    assert (code, "another policy.json" in said) == (WRONG, True)


@contextmanager
def serve(folder: Path, before: Callable[[str], None] = lambda path: None) -> Iterator[str]:
    """The files behind a real web server that ignores ?size=, as a static host does; `before` precedes each answer."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            before(self.path)
            super().do_GET()

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def address(honest: Path) -> Iterator[str]:
    with serve(honest) as place:
        yield place


def verify_while(book: Book, folder: Path, verify: Callable, change: Callable[[], object]) -> tuple[int, str]:
    """Verify a book over HTTP that is changed and published again when its heads have been read, its leaves not yet."""

    def publish(path: str) -> None:
        if path.startswith("/ledger.ndjson"):
            change()
            book.publish(folder)

    with serve(book.publish(folder), publish) as place:
        return verify(place)


def test_a_quiet_head_that_is_signed_during_a_download_is_no_fraud(tmp_path: Path, verify: Callable) -> None:
    book = make_book({17: 2})
    code, said = verify_while(book, tmp_path / "meanwhile", verify, book.close_batch)
    assert (code, "1 more, signed meanwhile" in said) == (AGREES, True)


def test_heads_that_do_not_go_on_from_those_read_before_are_found(tmp_path: Path, verify: Callable) -> None:
    book = make_book({17: 2})

    def begin_anew() -> None:
        book.heads = []
        book.close_batch()

    code, said = verify_while(book, tmp_path / "anew", verify, begin_anew)
    assert (code, "does not go on" in said) == (WRONG, True)


def test_a_quiet_head_with_another_root_is_found(tmp_path: Path, verify: Callable) -> None:
    book = make_book({17: 2})

    def lie() -> None:
        head = book.close_batch().head
        book.heads[-1] = sign_head(replace(head, root=bytes(32)), KEY.sign)

    code, said = verify_while(book, tmp_path / "lie", verify, lie)
    assert (code, "another root" in said) == (WRONG, True)


def test_an_address_is_read_like_a_folder(address: str, honest: Path, verify: Callable) -> None:
    assert verify(address + "/", "--receipt", str(honest / "receipt.json"))[0] == AGREES
    assert verify(address + "/nowhere")[0] == UNKNOWN


def test_a_signed_lie_about_the_root_is_found(tmp_path: Path, verify: Callable) -> None:
    book = make_book({17: 5})
    head = book.heads[-1].head
    lie = type(head)(**{**{name: getattr(head, name) for name in head.__slots__}, "root": bytes(32)})
    book.heads[-1] = sign_head(lie, KEY.sign)
    code, said = verify(book.publish(tmp_path / "lie"))
    assert (code, "another root" in said) == (WRONG, True)


def test_an_end_that_would_change_no_figure_is_missed_all_the_same(tmp_path: Path, verify: Callable) -> None:
    book = make_book({17: 5, 4: 3})
    book.decide([0], "held", reason="lockstep")
    book.decide([0], "counted", actor="appeal")
    book.close_batch()
    place = book.publish(tmp_path / "short")
    assert verify(place)[0] == AGREES
    (place / "ledger.ndjson").write_bytes(b"".join(line + b"\n" for line in book.lines[:-2]))
    code, said = verify(place)
    assert (code, "has 10 leaves, head 3 says 12" in said) == (WRONG, True)
