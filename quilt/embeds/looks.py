"""How an embed looks: its options as data, and the check that its colours can be read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

KINDS = ("entry", "contest", "vote", "countdown")
OF_ENTRY = ("entry", "vote")
THEMES = ("auto", "light", "dark")
CORNERS = ("soft", "round", "square")
LANGUAGES = ("en", "de", "fr", "es", "ar")
MODES = ("inline", "modal")
ORDERS = ("fair", "votes", "newest")
MOST_ENTRIES = 24
DARK_INK, LIGHT_INK = "1c1916", "fffcf5"
LEAST_CONTRAST = 3.0  # WCAG 2.2, 1.4.11: a button against what it stands on
TEXT_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
_COLOUR = re.compile(r"#?([0-9A-Fa-f]{6}|[0-9A-Fa-f]{3})")


class ColoursRefused(Exception):
    """A pair of colours that cannot be read; `ratio` is what it has, `field` what to change."""

    def __init__(self, message: str, field: str, ratio: float = 0.0) -> None:
        super().__init__(message)
        self.message, self.field, self.ratio = message, field, ratio


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen. `accent` and `ground` are six hexadecimal digits, or '' for the site's own."""

    theme: str = "auto"
    accent: str = ""
    ground: str = ""
    corners: str = "soft"
    lang: str = "en"
    mode: str = "inline"
    logos: bool = True
    counts: bool = True
    top: int = 6
    cause: str = ""
    order: str = "fair"


DEFAULT = Options()
CHOICES = {"theme": THEMES, "corners": CORNERS, "lang": LANGUAGES, "mode": MODES, "order": ORDERS}


def read_options(told: Mapping[str, str], base: Options = DEFAULT) -> Options:
    """The options of a query or a form over `base`; what is none of ours is passed over, so a frame always shows."""
    values: dict[str, object] = {}
    for field in fields(Options):
        text, kept = told.get(field.name), getattr(base, field.name)
        values[field.name] = kept if text is None else _read(field.name, text.strip(), kept)
    return Options(**values)  # type: ignore[arg-type]


def say_options(options: Options, base: Options = DEFAULT) -> dict[str, str]:
    """The options that differ from `base`, as a query or attributes say them."""
    said = {}
    for field in fields(Options):
        value = getattr(options, field.name)
        if value != getattr(base, field.name):
            said[field.name] = {True: "show", False: "hide"}[value] if isinstance(value, bool) else str(value)
    return said


def check_colours(options: Options) -> None:
    """Raise ColoursRefused unless buttons and texts can be told from what they stand on.

    A text on a chosen ground is written in the darker or lighter ink, whichever reads better; so is the label of
    a button in a chosen accent. What is left to check: the accent against its ground, in both themes where the
    ground is the site's own.
    """
    for name in ("accent", "ground"):
        colour = getattr(options, name)
        if colour and contrast(colour, pick_ink(colour)) < TEXT_CONTRAST:
            raise ColoursRefused("No text can be read on this colour. Make it lighter or darker.", name)
    if not options.accent:
        return
    grounds = {"light": (LIGHT_INK,), "dark": ("26221d",), "auto": (LIGHT_INK, "26221d")}[options.theme]
    for ground in (options.ground,) if options.ground else grounds:
        ratio = contrast(options.accent, ground)
        if ratio < LEAST_CONTRAST:
            raise ColoursRefused(
                f"#{options.accent} on #{ground} has a contrast of {ratio:.1f} to 1; a button needs "
                f"{LEAST_CONTRAST:.0f} to 1. Choose a colour further away{_advise(options)}.",
                "accent",
                ratio,
            )


def drop_unreadable(options: Options) -> tuple[Options, str]:
    """The options without colours that cannot be read, and why they were left out ('' where they were not)."""
    try:
        check_colours(options)
    except ColoursRefused as refusal:
        kept = {field.name: getattr(options, field.name) for field in fields(Options)}
        return Options(**{**kept, "accent": "", "ground": ""}), refusal.message
    return options, ""


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2 between two colours of six hexadecimal digits, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def pick_ink(ground: str) -> str:
    """The ink that reads better on this ground: nearly black or nearly white."""
    return max((DARK_INK, LIGHT_INK), key=lambda ink: contrast(ink, ground))


def _read(name: str, text: str, kept: object) -> object:
    if name in CHOICES:
        return text if text in CHOICES[name] else kept
    if name in ("accent", "ground"):
        return _read_colour(text) if text else ""
    if name in ("logos", "counts"):
        return {"show": True, "hide": False}.get(text, kept)
    if name == "top":
        is_number = text.isascii() and text.isdecimal() and len(text) < 4
        return min(max(int(text), 1), MOST_ENTRIES) if is_number else kept
    return " ".join(text.split())[:80]


def _read_colour(text: str) -> str:
    """Six digits in lower case; '' for what is no colour."""
    match = _COLOUR.fullmatch(text)
    if match is None:
        return ""
    digits = match[1].lower()
    return "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits


def _advise(options: Options) -> str:
    return "" if options.ground or options.theme != "auto" else ", or choose light or dark instead of both"


def _luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it: 0 black, 1 white."""
    channels = (int(colour[start : start + 2], 16) / 255 for start in (0, 2, 4))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
