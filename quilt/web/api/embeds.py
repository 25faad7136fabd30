"""What it takes to show an entry on another site."""

from flask import Response

from quilt.embeds.queries import find_embed_code
from quilt.web.api.answers import answer_public, make_url
from quilt.web.api.operations import operation
from quilt.web.api.shapes import ADDRESS, NUMBER, TEXT, maybe, thing
from quilt.web.api.table import Operation
from quilt.web.lookups import get_head_or_404

EMBED = thing(
    id=NUMBER, code=maybe(TEXT), frame_url=ADDRESS, script_url=ADDRESS, html=TEXT, oembed_url=ADDRESS,
    json_url=ADDRESS,
)  # fmt: skip


@operation(
    Operation(
        "show_embed",
        "GET",
        "/entries/<int:entry_id>/embed",
        "An entry’s own embed: its code, frame, script and HTML.",
        "Embeds",
        EMBED,
    )
)
def show_embed(entry_id: int) -> Response:
    """The entry's own embed; placements with figures of their own are made at the brand's desk."""
    head = get_head_or_404(entry_id)
    code, script = find_embed_code(head.id), make_url("/widget/v1.js")
    page = make_url(f"/entries/{head.id}-{head.slug}")
    via = f' via="{code}"' if code else ""
    element = f'<quilt-entry entry="{head.id}"{via}><a href="{page}">{page}</a></quilt-entry>'
    return answer_public(
        {
            "id": head.id,
            "code": code or None,
            "frame_url": make_url(f"/embed/{head.id}" + (f"?via={code}" if code else "")),
            "script_url": script,
            "html": f'{element}\n<script async src="{script}"></script>',
            "oembed_url": make_url(f"/oembed?url={page}"),
            "json_url": make_url(f"/widget/entries/{head.id}.json"),
        }
    )
