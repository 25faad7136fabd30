"""Security events in the log: what happened and in which request, never to whom."""

import structlog

from quilt.web.requests_log import request_id

_log = structlog.get_logger("quilt.security")


def record_event(event: str, **facts: bool | int | str) -> None:
    """Write one event; `facts` hold nothing personal and no secret."""
    _log.info(event, request_id=request_id(), **facts)
