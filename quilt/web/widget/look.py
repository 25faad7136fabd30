"""The chosen colours and corners of a frame as a style sheet: a strict policy lets nothing stand in the page itself."""

from flask import Response, request

from quilt.embeds.looks import LIGHT_INK, drop_unreadable, pick_ink, read_options
from quilt.web.widget import widget

CORNERS = {"square": ("0", "0"), "round": ("14px", "22px")}


@widget.get("/widget/look.css")
def show_look() -> Response:
    """The custom properties that differ from the site's own; colours that cannot be read are left out."""
    options, _ = drop_unreadable(read_options(request.args))
    values: dict[str, str] = {}
    if options.ground:
        values |= _dye_ground(options.ground)
    if options.accent:
        values |= _dye_accent(options.accent)
    if options.corners in CORNERS:
        values |= dict(zip(("--radius", "--radius-l"), CORNERS[options.corners], strict=True))
    rules = "".join(f"{name}:{value};" for name, value in values.items())
    # Three times :root outweighs every rule of the site's own sheet, whatever the theme.
    response = Response(f":root:root:root{{{rules}}}\n", mimetype="text/css")
    response.headers["Cache-Control"] = "public, max-age=86400"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _dye_ground(ground: str) -> dict[str, str]:
    ink = pick_ink(ground)
    scheme = "dark" if ink == LIGHT_INK else "light"
    plain = {name: f"#{ground}" for name in ("--linen", "--linen-deep", "--cloth", "--cloth-raised")}
    inked = {
        name: f"#{ink}" for name in ("--ink", "--muted", "--focus", "--link", "--edge", "--thread", "--gold")
    }
    lines = {"--line": _mix(ground, ink, 0.25), "--thread-soft": _mix(ground, ink, 0.5)}
    return {
        **plain,
        **inked,
        **lines,
        "color-scheme": scheme,
        "--shade": "transparent",
        "--weave": "transparent",
    }


def _dye_accent(accent: str) -> dict[str, str]:
    return {
        "--action": f"#{accent}",
        "--action-deep": f"#{accent}",
        "--on-action": f"#{pick_ink(accent)}",
    }


def _mix(one: str, other: str, share: float) -> str:
    """The colour that lies `share` of the way from one to the other."""
    pairs = ((int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (0, 2, 4))
    return "#" + "".join(f"{round(first + (second - first) * share):02x}" for first, second in pairs)
