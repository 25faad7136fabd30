"""What a frame was asked to be: its options, its placement, and who may show it."""

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import abort, request

from quilt.database import database_key
from quilt.embeds.looks import DEFAULT, Options, drop_unreadable, read_options, say_options
from quilt.embeds.queries import PlacementFacts, find_placement
from quilt.spread.codes import is_code
from quilt.web.headers import allow_framing
from quilt.web.pages import Memo
from quilt.web.settings import get_settings
from quilt.web.widget.phrases import Phrases, find_phrases

LOOKS = ("accent", "ground", "corners")
THEMED = ("theme", *LOOKS)  # whether a colour can be read depends on the theme
ENDED = "ended"  # what a 404 says where somebody took a placement down

_placements: Memo[PlacementFacts | None] = Memo(most=20_000)


@dataclass(frozen=True, slots=True)
class Wish:
    """One frame's look. `note` is what the console of the page shall say, '' for nothing."""

    options: Options
    placement: PlacementFacts | None
    note: str

    @property
    def phrases(self) -> Phrases:
        """The words of the wished language."""
        return find_phrases(self.options.lang)

    @property
    def look_query(self) -> str:
        """The query of the style sheet with the chosen colours and corners; '' where nothing was chosen."""
        said = say_options(self.options)
        return (
            urlencode({name: said[name] for name in THEMED if name in said}) if set(LOOKS) & set(said) else ""
        )


def get_wish(via: str, *, entry_id: int | None = None, contest_id: int | None = None) -> Wish:
    """What the query wishes for this entry or contest, over what the placement of `via` has stored.

    Answers 404 for a placement of something else, or one that was taken down; lets only its own sites show it.
    """
    placement = find_known(via)
    if placement is not None:
        is_fitting = placement.entry_id == entry_id if entry_id else placement.contest_id == contest_id
        if not is_fitting:
            abort(404)
        restrict(placement)
        if placement.is_ended:
            abort(404, ENDED)
    base = placement.options if placement else DEFAULT
    options, note = drop_unreadable(read_options(request.args, base))
    return Wish(options, placement, note)


def find_known(code: str) -> PlacementFacts | None:
    """The placement of a code as it was a fraction of a second ago."""
    if not is_code(code):
        return None
    return _placements.get(
        (database_key(), code), get_settings().page_freshness, lambda: find_placement(code)
    )


def restrict(placement: PlacementFacts) -> None:
    """Let only the verified sites of the placement's organisation, and our own generator, show this answer."""
    if placement.origins:
        allow_framing("'self' " + " ".join(placement.origins))
