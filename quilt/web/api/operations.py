"""How a view of the API is registered: what is looked at before it runs."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, g

from quilt.web.api import api
from quilt.web.api.guards import check_query, check_rate, check_scope, find_speaker
from quilt.web.api.table import OPERATIONS, ROOT, Operation

View = Callable[..., Response]


def operation(described: Operation) -> Callable[[View], View]:
    """Register a view under its description: the query, the token and the rate are looked at before it runs."""

    def register(view: View) -> View:
        OPERATIONS[described.name] = described

        @wraps(view)
        def checked(**values: Any) -> Response:
            g.api_operation = described
            speaker = None if described.is_public else find_speaker()
            check_rate(speaker, is_write=described.method != "GET")  # those we are about to refuse as well
            if not described.is_public:
                check_scope(speaker, described.scope)
            check_query(described.queries)
            return view(**values) if speaker is None else view(speaker, **values)

        path = f"{ROOT}{described.path}"
        api.add_url_rule(path, described.name, checked, methods=[described.method])
        return checked

    return register
