"""The addresses that take a draft's forms, asked by GET.

This module stands in front of those that take the forms: werkzeug looks at the rules of one address in the order they
were registered, and remembers each that wants another method before it looks at the number. With a POST rule first, a
GET with a number that no row can have would be answered by 405 and not by 404.
"""

from flask import Response, request

from quilt.web.guards import signed_in_only
from quilt.web.site import site
from quilt.web.site.draft_pages import see
from quilt.web.site.drafts import get_draft_or_404, step_url


@site.get("/submit/<int:entry_id>/draft")
@site.get("/submit/<int:entry_id>/video")
@site.get("/submit/<int:entry_id>/link")
@site.get("/submit/<int:entry_id>/send")
@site.get("/submit/<int:entry_id>/revise")
@site.get("/submit/<int:entry_id>/withdraw")
@signed_in_only
def leave_form(entry_id: int) -> Response:
    """Back to the steps, for who signed in again or loads the page anew."""
    get_draft_or_404(entry_id)
    return see(step_url(entry_id, "video" if request.path.endswith(("/video", "/link")) else ""))
