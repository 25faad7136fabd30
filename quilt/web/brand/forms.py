"""The options of an embed as a form. It is sent by GET: nothing is kept before somebody says so."""

from collections.abc import Mapping

from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import Optional

from quilt.embeds.looks import CHOICES, MOST_ENTRIES, Options, say_options

WORDS = {
    "theme": {"auto": "As the reader has it", "light": "Light", "dark": "Dark"},
    "corners": {"soft": "Soft", "round": "Round", "square": "Square"},
    "lang": {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "ar": "العربية"},
    "mode": {"inline": "Stands in the page", "modal": "A button that opens it"},
    "order": {"fair": "Fairly mixed", "votes": "Most votes first", "newest": "Newest first"},
}
SHOWN = [SelectChoice("show", "Show"), SelectChoice("hide", "Hide")]
KIND_CHOICES = [
    SelectChoice("entry", "One story, to watch and to vote for"),
    SelectChoice("vote", "A vote button"),
    SelectChoice("contest", "The stories of a contest"),
    SelectChoice("countdown", "A countdown"),
]


def _choose(label: str, name: str) -> SelectField:
    return SelectField(
        label,
        choices=[SelectChoice(value, WORDS[name][value]) for value in CHOICES[name]],
        validate_choice=False,
    )


class EmbedForm(FlaskForm):  # type: ignore[misc]
    """What can be chosen."""

    class Meta:
        csrf = False

    kind = SelectField("What", choices=KIND_CHOICES, validate_choice=False)
    entry = StringField("Which story", [Optional()])
    contest = SelectField("Which contest", validate_choice=False)
    theme = _choose("Light or dark", "theme")
    accent = StringField("Colour of the button", [Optional()])
    ground = StringField("Background", [Optional()])
    corners = _choose("Corners", "corners")
    lang = _choose("Language", "lang")
    mode = _choose("How it stands there", "mode")
    logos = SelectField("Logos", choices=SHOWN, validate_choice=False)
    counts = SelectField("Counts", choices=SHOWN, validate_choice=False)
    order = _choose("Which stories first", "order")
    top = IntegerField("How many stories", [Optional()])
    cause = SelectField("Only for this cause", validate_choice=False)


def make_form(
    options: Options,
    kind: str,
    entry: str,
    contest: str,
    contests: list[tuple[str, str]],
    causes: list[str],
    told: Mapping[str, str],
) -> EmbedForm:
    """The form with what is chosen; a colour that cannot be read stands there as it was typed."""
    values = {name: getattr(options, name) for name in CHOICES}
    values |= {name: "show" if getattr(options, name) else "hide" for name in ("logos", "counts")}
    said = say_options(options)
    values |= {
        name: told.get(name, f"#{said[name]}" if name in said else "")[:20] for name in ("accent", "ground")
    }
    form = EmbedForm(
        formdata=None, kind=kind, entry=entry, contest=contest, top=options.top, cause=options.cause, **values
    )
    form.contest.choices = [SelectChoice(slug, title) for slug, title in contests]
    form.cause.choices = [SelectChoice("", "All causes"), *(SelectChoice(cause, cause) for cause in causes)]
    form.top.render_kw = {"min": 1, "max": MOST_ENTRIES}
    return form
