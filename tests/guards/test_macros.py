"""The macros say what they should: labels tied to fields, errors announced, the quilt always a whole rectangle."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Form, RadioField, StringField, validators

from quilt.media.patches import patch_svg

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"

PATCH = Markup(patch_svg("Rural reading"))


@dataclass(frozen=True)
class Card:
    url: str = "/entries/1-the-library-bus"
    title: str = "The library bus"
    cause: str = "Rural reading"
    votes_text: str = "233 votes"
    reach_text: str = "reached 611"
    poster_url: str | None = None
    patch_svg: Markup = PATCH
    spread_step: int = 4
    duration_text: str = "1:24"
    state: str = "published"


class EntryForm(Form):
    title = StringField("Title", [validators.InputRequired("Give your story a title.")], description="Short.")
    town = StringField("Town")
    way = RadioField("Way", [validators.InputRequired()], choices=["file", "link"])
    agreed = BooleanField("I agree", [validators.InputRequired("Please agree.")])


@pytest.fixture(scope="module")
def macros() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def call(macros: Environment, file: str, name: str, *arguments: object, **named: object) -> str:
    return str(getattr(macros.get_template(f"macros/{file}.html").module, name)(*arguments, **named))


@pytest.mark.parametrize("count", [*range(61), 99, 200, 300, 400])
@pytest.mark.parametrize("invite_url", ["/submit", None])
def test_the_quilt_is_a_whole_rectangle_at_both_widths(
    macros: Environment, count: int, invite_url: str | None
) -> None:
    """Every row is full: of the fullest row's number of patches, or of one less, and none is a stopgap."""
    html = call(macros, "patches", "quilt", [Card()] * count, "The quilt", invite_url=invite_url)
    narrow, wide = (int(re.search(rf"quilt-{size}-(\d+)", html)[1]) for size in ("narrow", "wide"))
    cells = re.findall(r'<li class="([^"]*)"', html)
    assert len(cells) == html.count("<li") == count + bool(invite_url)
    assert html.count('class="quilt-patch"') == count + bool(invite_url)
    if len(cells) > 1:
        assert fill_rows(cells, "narrow-short", narrow) and fill_rows(cells, "wide-short", wide)
    assert 2 <= narrow <= 9 and 2 <= wide <= 16


def test_an_open_row_is_found() -> None:
    full, short = "spread-1", "spread-1 narrow-short"
    assert fill_rows([full] * 3 + [short] * 2, "narrow-short", 3)
    assert not fill_rows([full] * 2 + [short] * 2, "narrow-short", 3)
    assert not fill_rows([full] * 3 + [short], "narrow-short", 3)


def fill_rows(cells: list[str], short: str, longest: int) -> bool:
    """Whether these patches, side by side in their order, end each row where it ends."""
    place = 0
    while place < len(cells):
        in_row = longest - 1 if short in cells[place].split() else longest
        row = cells[place : place + in_row]
        if len(row) < in_row or len({short in cell.split() for cell in row}) > 1:
            return False
        place += in_row
    return True


def test_a_card_escapes_what_people_wrote(macros: Environment) -> None:
    html = call(macros, "patches", "patch_card", replace(Card(), title="<script>x</script>", cause='"><b>'))
    assert "<script>" not in html and "<b>" not in html
    assert "&lt;script&gt;" in html
    assert html.count("<svg") == 3
    assert "spread-4" in html


def test_a_field_ties_its_label_hint_and_error(macros: Environment) -> None:
    form = EntryForm(MultiDict({"title": ""}))
    assert not form.validate()
    html = call(macros, "forms", "field", form.title, maxlength=80)
    assert '<label for="title">Title</label>' in html
    assert 'aria-describedby="title-error title-hint"' in html
    assert 'aria-invalid="true"' in html and 'maxlength="80"' in html
    assert 'id="title-hint"' in html and 'id="title-error"' in html


def test_what_is_not_needed_says_so(macros: Environment) -> None:
    assert "(optional)" in call(macros, "forms", "field", EntryForm().town)
    assert "(optional)" not in call(macros, "forms", "field", EntryForm().title)


def test_choices_are_a_group_with_a_legend(macros: Environment) -> None:
    html = call(macros, "forms", "field", EntryForm().way)
    assert "<legend>Way" in html
    assert html.count('type="radio"') == html.count("<label for=") == 2


def test_the_summary_links_to_every_field_in_error(macros: Environment) -> None:
    form = EntryForm(MultiDict({"town": "Nyeri"}))
    assert not form.validate()
    html = call(macros, "forms", "error_summary", form)
    assert re.findall(r'href="#(\w+)"', html) == ["title", "way", "agreed"]
    assert 'role="alert"' in html and "still here" in html
    assert call(macros, "forms", "error_summary", EntryForm()) == ""


@pytest.mark.parametrize("chart", ["bar_chart", "column_chart", "line_chart"])
@pytest.mark.parametrize("rows", [[], [("one", 0)], [("one", 3), ("two", 1240)]])
def test_every_chart_has_its_table(macros: Environment, chart: str, rows: list[tuple[str, int]]) -> None:
    html = call(macros, "figures", chart, rows, "People", headers=("Day", "People"))
    assert "<table" in html and html.count('<th scope="row"') == len(rows)
    assert "1,240" in html or len(rows) < 2
    assert "nan" not in html


def test_a_linked_film_loads_nothing_before_play(macros: Environment) -> None:
    film = ("YouTube", "https://www.youtube-nocookie.com/embed/x", "https://youtu.be/x", "The bus", "?play=1")
    waiting = call(macros, "player", "linked_player", *film)
    playing = call(macros, "player", "linked_player", *film, is_playing=True)
    assert "<iframe" not in waiting and 'href="?play=1"' in waiting
    assert "<iframe" in playing


def test_every_state_has_words_and_a_picture(macros: Environment) -> None:
    names = [
        "draft",
        "submitted",
        "needs_changes",
        "published",
        "withdrawn",
        "removed",
        "disqualified",
        "new_one",
    ]
    badges = [call(macros, "states", "state_badge", name) for name in names]
    assert all("<svg" in badge for badge in badges)
    assert len({re.sub(r"<[^>]+>", "", badge) for badge in badges}) == len(names)
