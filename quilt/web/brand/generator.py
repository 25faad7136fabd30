"""The generator: choose, look, copy. Anybody may use it; a brand can keep what was chosen under its own code."""

from collections.abc import Mapping
from dataclasses import asdict

from flask import Response, flash, redirect, request, url_for
from flask_login import current_user

from quilt.embeds.desk import list_own
from quilt.embeds.looks import ColoursRefused, Options, check_colours, drop_unreadable, read_options
from quilt.embeds.placements import create_placement
from quilt.embeds.rules import BrandRefused, Role, has_rank
from quilt.web.brand import brand
from quilt.web.brand.desks import answer, back_to, get_desk_or_404
from quilt.web.brand.forms import make_form
from quilt.web.brand.snippets import ROOM, frame_path, write_snippets
from quilt.web.brand.targets import Wanted, describe_target, list_causes, list_choices, read_wanted
from quilt.web.clock import entropy, now
from quilt.web.guards import signed_in_only
from quilt.web.headers import allow_own_frames
from quilt.web.json_bodies import answer_json
from quilt.web.scripts import NEWEST, load_script
from quilt.web.settings import get_settings


@brand.get("/embeds/new")
def show_generator() -> Response:
    """The form, a live preview, and the snippets."""
    return _answer(request.args)


@brand.get("/embeds/new.json")
def show_generated() -> Response:
    """The same for the page's script: the preview's address, the snippets, what cannot be read."""
    wanted, options, problem, _ = _read(request.args)
    target = describe_target(wanted)
    snippets = write_snippets(target, options, get_settings().base_url, _integrity()) if target else []
    return answer_json(
        {
            "frame": frame_path(target, options) if target else "",
            "height": ROOM[wanted.kind][0],
            "problem": wanted.problem or problem,
            "snippets": [asdict(snippet) for snippet in snippets],
        }
    )


@brand.post("/embeds")
@signed_in_only
def add_placement() -> Response:
    """Keep what was chosen under a brand's own code; a refusal shows the generator as it was."""
    text = request.form.get("organisation_id", "")
    desk = get_desk_or_404(
        int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0, Role.EDITOR
    )
    wanted, options, problem, _ = _read(request.form)
    try:
        if problem or wanted.target_id is None:
            raise BrandRefused(problem or wanted.problem)
        placement = create_placement(
            desk.id,
            wanted.kind,
            wanted.target_id,
            request.form.get("label", ""),
            options,
            now=now(),
            entropy=entropy,
        )
    except BrandRefused as refusal:
        return _answer(request.form, refusal.message, 422)
    flash(
        "Your embed is ready: copy its snippet. What you change here changes on your site by itself.", "good"
    )
    return back_to("brand.show_placement", organisation_id=desk.id, placement_id=placement.id)


@brand.get("/embeds")
def show_start() -> Response:
    """A short address that leads to the generator."""
    return redirect(url_for("brand.show_generator"))  # type: ignore[return-value]


def _answer(told: Mapping[str, str], refusal: str = "", status: int = 200) -> Response:
    wanted, options, problem, field = _read(told)
    target = describe_target(wanted)
    allow_own_frames()
    desks = list_own(current_user.id) if current_user.is_authenticated else []
    slug = wanted.contest.slug if wanted.contest else ""
    causes = list_causes(wanted.contest)
    return answer(
        "brand/generator.html",
        status,
        form=make_form(options, wanted.kind, wanted.entry_text, slug, list_choices(), causes, told),
        kind=wanted.kind,
        problem=wanted.problem or problem,
        problem_field="entry" if wanted.problem else field,
        frame=frame_path(target, options) if target else "",
        height=ROOM[wanted.kind][0],
        snippets=write_snippets(target, options, get_settings().base_url, _integrity()) if target else [],
        desks=[desk for desk in desks if has_rank(desk.role, Role.EDITOR)],
        refusal=refusal,
        label=told.get("label", "")[:200],
        own_query={
            name: value
            for name, value in told.items()
            if name not in ("csrf_token", "label", "organisation_id")
        },
        integrity=_integrity(),
    )


def _read(told: Mapping[str, str]) -> tuple[Wanted, Options, str, str]:
    """What is wanted, how it shall look, and which colours cannot be read (they are left out)."""
    wanted, options = read_wanted(told), read_options(told)
    for name in ("accent", "ground"):
        if told.get(name, "").strip() and not getattr(options, name):
            return wanted, options, "Write a colour like #27406b.", name
    try:
        check_colours(options)
    except ColoursRefused as refused:
        return wanted, drop_unreadable(options)[0], refused.message, refused.field
    return wanted, options, "", ""


def _integrity() -> str:
    return load_script(NEWEST).integrity
