"""What goes wrong, as Problem Details (RFC 9457): a title, words for a person, and a code for a program."""

from collections.abc import Mapping
from typing import NoReturn

from flask import Response

from quilt.web.api import api
from quilt.web.errors import answer_error


class ApiProblem(Exception):
    """A refusal with a code of its own."""

    def __init__(
        self, status: int, code: str, detail: str, headers: Mapping[str, str], facts: Mapping[str, str]
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, dict(headers)
        self.facts = facts


def refuse(
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] = {},
    facts: Mapping[str, str] = {},
) -> NoReturn:
    """Answer with this problem; `facts` are what a program may want of it beside the words."""
    raise ApiProblem(status, code, detail, headers, facts)


@api.errorhandler(ApiProblem)
def answer_problem(problem: ApiProblem) -> Response:
    """The problem as it is sent."""
    return answer_error(problem.status, problem.detail, problem.headers, problem.code, problem.facts)
