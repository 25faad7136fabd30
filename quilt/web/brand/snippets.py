"""The lines that somebody copies: for HTML pages, for editors of several makes, for places that take no script."""

from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from quilt.embeds.looks import OF_ENTRY, Options, say_options
from quilt.web.plain_frames import write_plain_frame

# px that the element keeps free before the frame comes, so that nothing on the page moves: on a phone, on a desktop.
ROOM = {"entry": (520, 340), "vote": (190, 110), "contest": (680, 460), "countdown": (270, 250)}
FRAME_ONLY = ("mode",)  # what only the script knows


@dataclass(frozen=True, slots=True)
class Target:
    """What is embedded. `code` is a placement's (its options are stored) or '', `link` its page, `card` a picture."""

    kind: str
    name: str  # the entry's number or the contest's slug
    title: str
    link: str
    card: str
    code: str
    via: str  # the entry's own embed code, where there is no placement
    has_sponsor: bool = False


@dataclass(frozen=True, slots=True)
class Snippet:
    """One form of the embed."""

    key: str
    label: str
    hint: str
    text: str


def frame_path(target: Target, options: Options) -> str:
    """The frame's address on our site."""
    if target.code:
        return f"/embed/by/{target.code}"
    path = f"/embed/{target.name}" if target.kind in OF_ENTRY else f"/embed/contests/{target.name}"
    path += {"vote": "/vote", "countdown": "/countdown"}.get(target.kind, "")
    query = {name: value for name, value in _list_options(target, options).items() if name not in FRAME_ONLY}
    return path + (f"?{urlencode(query)}" if query else "")


def write_snippets(target: Target, options: Options, base_url: str, integrity: str) -> list[Snippet]:
    """Every form of the embed, the usual one first."""
    script = f'<script async src="{base_url}/widget/v1.js"></script>'
    pinned = f'<script async src="{base_url}/widget/v1.0.js" integrity="{integrity}" crossorigin="anonymous"></script>'
    element, div = _write_element(target, options), _write_div(target, options)
    frame = write_plain_frame(
        target.kind,
        base_url + frame_path(target, options),
        target.title,
        options.top,
        has_sponsor=target.has_sponsor,
    )
    picture = f"![{_plain(target.title)}]({target.card})" if target.card else _plain(target.title)
    return [
        Snippet("html", "HTML", "For any page that you can write yourself.", f"{script}\n{element}"),
        Snippet(
            "wordpress",
            "WordPress",
            "Add a block “Custom HTML” and paste this. Pasting the address of a story or contest alone works too.",
            f"{script}\n{div}",
        ),
        Snippet(
            "squarespace", "Squarespace", "Add a block “Code”, mode HTML, and paste this.", f"{script}\n{div}"
        ),
        Snippet(
            "react",
            "React",
            "A component; the script is loaded once.",
            _write_react(target, options, base_url),
        ),
        Snippet(
            "iframe",
            "Without a script",
            "A plain frame. It cannot size itself; its style knows how high it is at each width.",
            frame,
        ),
        Snippet(
            "markdown",
            "Markdown, mail",
            "A link with the picture, where neither scripts nor frames are allowed.",
            f"[{picture}]({target.link})",
        ),
        Snippet(
            "pinned",
            "Pinned by its hash",
            "For strict sites: this release never changes, and you decide when to take a newer one.",
            f"{pinned}\n{element}",
        ),
    ]


def _write_element(target: Target, options: Options) -> str:
    named = " ".join(f'{name}="{escape(value)}"' for name, value in _list_attributes(target, options).items())
    return f"<quilt-{target.kind} {named} {_write_room(target, options)}>{_write_fallback(target)}</quilt-{target.kind}>"


def _write_div(target: Target, options: Options) -> str:
    named = " ".join(
        f'data-{name}="{escape(value)}"' for name, value in _list_attributes(target, options).items()
    )
    return f'<div data-quilt="{target.kind}" {named} {_write_room(target, options)}>{_write_fallback(target)}</div>'


def _write_fallback(target: Target) -> str:
    """What stands there without scripts, and when our server is away: the link."""
    return f'<a href="{escape(target.link)}">{escape(target.title)}</a>'


def _write_room(target: Target, options: Options) -> str:
    """The height that is kept free: a phone's up to 470 px of window width, a desktop's from 640 on."""
    if options.mode == "modal":
        return 'style="display:block;min-height:48px"'
    phone, desktop = ROOM[target.kind]
    slope = (phone - desktop) / 170
    middle = phone + slope * 470
    return f'style="display:block;min-height:clamp({desktop}px,calc({middle:.0f}px - {100 * slope:.0f}vw),{phone}px)"'


def _write_react(target: Target, options: Options, base_url: str) -> str:
    named = " ".join(f'{name}="{escape(value)}"' for name, value in _list_attributes(target, options).items())
    return (
        'import { useEffect } from "react";\n\n'
        "export function Quilt() {\n"
        "  useEffect(() => {\n"
        f'    const src = "{base_url}/widget/v1.js";\n'
        '    if (document.querySelector(`script[src="${src}"]`)) return;\n'
        '    document.head.append(Object.assign(document.createElement("script"), { src, async: true }));\n'
        "  }, []);\n"
        f"  return <quilt-{target.kind} {named} />;\n"
        "}"
    )


def _list_attributes(target: Target, options: Options) -> dict[str, str]:
    if target.code:
        return {"embed": target.code} | ({"mode": "modal"} if options.mode == "modal" else {})
    of = "entry" if target.kind in OF_ENTRY else "contest"
    return {of: target.name, **_list_options(target, options)}


def _list_options(target: Target, options: Options) -> dict[str, str]:
    said = say_options(options)
    if target.kind != "contest":
        said = {name: value for name, value in said.items() if name not in ("top", "cause", "order")}
    return ({"via": target.via} if target.via else {}) | said


def _plain(text: str) -> str:
    """Text inside Markdown's brackets."""
    return "".join(f"\\{sign}" if sign in "\\[]()!*_`<>" else sign for sign in text)
