"""No inline style, script or handler, and nothing loaded from elsewhere, in any template, sheet or script."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guards.markup import (
    ROOT,
    check_script,
    check_sheet,
    check_template,
    check_words,
    list_letters,
    list_static,
    list_templates,
)


def check_page(path: Path) -> Iterator[str]:
    return check_template(path.read_text(), has_nonce="widget" not in path.parts)


KINDS = [
    (check_page, list_templates, 30),
    (lambda path: check_words(path.read_text()), lambda: [*list_templates(), *list_letters()], 100),
    (lambda path: check_sheet(path.read_text()), lambda: list_static(".css"), 10),
    (lambda path: check_script(path.read_text()), lambda: list_static(".js"), 3),
]


@pytest.mark.parametrize(
    ("check", "list_files", "at_least"), KINDS, ids=["templates", "words", "sheets", "scripts"]
)
def test_files_are_clean(check, list_files, at_least: int) -> None:
    files = list_files()
    print(f"{len(files)} files looked at")
    assert len(files) >= at_least
    found = [f"{path.relative_to(ROOT)}: {words}" for path in files for words in check(path)]
    assert found == []


@pytest.mark.parametrize(
    "planted",
    [
        '<p style="color: red">x</p>',
        "<p class='a'\n style='color: red'>x</p>",
        "<style>p { color: red }</style>",
        '<button onclick="vote()">x</button>',
        '<body class="a" onload = "vote()">',
        '<a href="javascript:vote()">x</a>',
        "<script>vote()</script>",
        '<script src="/static/js/vote.js"></script>',
        '<script nonce="abc" src="/static/js/vote.js"></script>',
        '<img src="https://elsewhere.example/pixel.gif" alt="">',
        '<link rel="stylesheet" href="//elsewhere.example/a.css">',
        '<form action="http://elsewhere.example/">',
        '<iframe src="https://www.youtube.com/embed/x"></iframe>',
    ],
)
def test_a_planted_flaw_in_a_template_is_found(planted: str) -> None:
    assert list(check_template(f"<main>{planted}</main>"))


@pytest.mark.parametrize(
    "clean",
    [
        '<script type="module" nonce="{{ csp_nonce }}" src="{{ asset(\'js/vote.js\') }}"></script>',
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect fill="#fff" width="9"/></svg>',
        '<p title="style = onclick = what we do not use">x</p>',
        "{# <style> in a comment #}",
        '<a href="{{ address }}">x</a>',
    ],
)
def test_what_is_allowed_passes(clean: str) -> None:
    assert list(check_template(clean)) == []


@pytest.mark.parametrize("planted", ["<p>a person's</p>", '{{ "a person\'s" if x else y }}', "Today's seal"])
def test_a_straight_apostrophe_is_found(planted: str) -> None:
    assert list(check_words(planted))


def test_quotes_of_an_expression_are_no_apostrophes() -> None:
    assert list(check_words("""{{ x|default('a')|e }}{# it's #}<a title='x'class='y'>’s</a>""")) == []


@pytest.mark.parametrize(
    ("check", "planted"),
    [
        (check_sheet, '@import "https://fonts.example/a.css";'),
        (check_sheet, "p { background: url(//elsewhere.example/a.png) }"),
        (check_script, 'fetch("https://elsewhere.example/count")'),
        (check_script, "import x from '//cdn.example/x.js'"),
        (check_script, "box.innerHTML = text"),
        (check_script, "eval(text)"),
    ],
)
def test_a_planted_flaw_in_a_sheet_or_script_is_found(check, planted: str) -> None:
    assert list(check(planted))
