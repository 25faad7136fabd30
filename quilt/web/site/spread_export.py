"""The tree of an entry as JSON, CSV or GraphML: enough to recompute its figures, nothing that names anybody."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
from flask import Response, abort, request

from quilt.arrivals.export import ExportedNode, ExportedTree, read_export
from quilt.arrivals.heads import EntryHead
from quilt.arrivals.queries import describe_spread
from quilt.extensions import limiter
from quilt.spread.attribution import CHANNELS
from quilt.standings.rules import LEAST_SHOWN
from quilt.web.lookups import get_head_or_404
from quilt.web.site import site

FORM = 1  # of the export itself: raised when what it says about the same tree changes
OTHER = "other"  # anybody can invent a tag in an address: unknown ones are not repeated
ROWS_AT_ONCE = 2_000
COLUMNS = ("index", "parent", "generation", "hour", "channel")

_GRAPHML_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="generation" for="node" attr.name="generation" attr.type="int"/>
<key id="hour" for="node" attr.name="hour" attr.type="string"/>
<key id="channel" for="node" attr.name="channel" attr.type="string"/>
<graph id="spread" edgedefault="directed">
"""
_GRAPHML_END = "</graph>\n</graphml>\n"


@site.get("/entries/<int:entry_id>/spread.<any(json, csv, graphml):file_format>")
@limiter.limit("60 per minute")
def export_spread(entry_id: int, file_format: str) -> Response:
    """Every person of the tree: by whom they came, their generation, the hour and the channel."""
    head = get_head_or_404(entry_id)
    if describe_spread(entry_id).reach < LEAST_SHOWN:
        abort(404, "Fewer than five people have come so far. The data are open from five on.")
    if _tag(head, file_format, head.spread_version) in request.headers.get("If-None-Match", ""):
        return _finish(Response(status=304), head, file_format, head.spread_version)
    tree = read_export(entry_id)
    write, media_type = _WRITERS[file_format]
    pieces = write(tree, head) if request.method == "GET" else ()
    response = Response((piece.encode() for piece in pieces), mimetype=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="spread-{entry_id}.{file_format}"'
    return _finish(response, head, file_format, tree.version)


def _finish(response: Response, head: EntryHead, kind: str, version: int) -> Response:
    response.headers["ETag"] = _tag(head, kind, version)
    response.headers["Cache-Control"] = "public, no-cache"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _tag(head: EntryHead, kind: str, version: int) -> str:
    return f'"{head.id}-{version}-{kind}{FORM}"'


def _write_csv(tree: ExportedTree, _head: EntryHead) -> Iterator[str]:
    yield ",".join(COLUMNS) + "\n"
    yield from _join(
        f"{node.index},{node.parent if node.index else ''},{node.generation},{_say(node.hour)},{_clean(node.channel)}\n"
        for node in tree
    )


def _write_json(tree: ExportedTree, head: EntryHead) -> Iterator[str]:
    counted_to = tree.counted_to.isoformat(timespec="seconds") if tree.counted_to else None
    facts = {"entry": head.id, "version": tree.version, "counted_to": counted_to, "columns": COLUMNS}
    yield orjson.dumps(facts).decode()[:-1] + ',"nodes":[\n'
    yield from _join(_write_json_row(node) for node in tree)
    yield "\n]}\n"


def _write_json_row(node: ExportedNode) -> str:
    row: list[Any] = [node.index, None, 0, None, ""]
    if node.index:
        row = [node.index, node.parent, node.generation, _say(node.hour), _clean(node.channel)]
    return (",\n" if node.index else "") + orjson.dumps(row).decode()


def _write_graphml(tree: ExportedTree, _head: EntryHead) -> Iterator[str]:
    yield _GRAPHML_HEAD
    yield from _join(_write_graphml_node(node) for node in tree)
    yield _GRAPHML_END


def _write_graphml_node(node: ExportedNode) -> str:
    words = (
        f'<node id="{node.index}"><data key="generation">{node.generation}</data>'
        f'<data key="hour">{_say(node.hour)}</data><data key="channel">{_clean(node.channel)}</data></node>\n'
    )
    # A parent comes first, so its node is known when the edge is read.
    return words + (f'<edge source="{node.parent}" target="{node.index}"/>\n' if node.index else "")


def _join(rows: Iterable[str]) -> Iterator[str]:
    """Many rows in one piece: a piece is a write to the socket."""
    rows = iter(rows)
    while piece := "".join(islice(rows, ROWS_AT_ONCE)):
        yield piece


def _say(hour: datetime | None) -> str:
    return f"{hour:%Y-%m-%dT%H:00Z}" if hour else ""


def _clean(channel: str) -> str:
    return channel if channel in CHANNELS or not channel else OTHER


_WRITERS: dict[str, tuple[Callable[[ExportedTree, EntryHead], Iterator[str]], str]] = {
    "csv": (_write_csv, "text/csv"),
    "json": (_write_json, "application/json"),
    "graphml": (_write_graphml, "application/graphml+xml"),
}
