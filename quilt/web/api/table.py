"""The one table of what the API can do: routes, checks, description and documents are all made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ROOT = "/api/v1"
PAGE_SIZE, MOST_A_PAGE = 20, 100

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """A part of the query that an operation understands."""

    name: str
    kind: str  # integer | string
    words: str
    least: int = 0
    is_needed: bool = False


AFTER = Query("after", "string", "Where the page before this one ended: its `next`.")
LIMIT = Query(
    "limit", "integer", f"How many at most; more than {MOST_A_PAGE} are read as {MOST_A_PAGE}.", least=1
)
PAGED = (AFTER, LIMIT)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address. `statuses` are refusals beyond those that every operation of its kind has."""

    name: str
    method: str
    path: str
    summary: str
    tag: str
    answer: Schema
    queries: tuple[Query, ...] = ()
    scope: str = ""  # '' for what everybody may read
    body: Schema | None = None
    good: tuple[int, ...] = (200,)
    statuses: tuple[int, ...] = ()
    headers: tuple[str, ...] = field(default=())  # request headers that it must have

    @property
    def is_public(self) -> bool:
        return not self.scope

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the path, in their order."""
        return tuple(
            part.strip("<>").rpartition(":")[2] for part in self.path.split("/") if part.startswith("<")
        )

    def list_statuses(self) -> tuple[int, ...]:
        """Every status that this operation can answer with."""
        found = {*self.good, *self.statuses, 422, 429}
        if self.is_public:
            found |= {304}
        else:
            found |= {401, 403}
        if self.parameters:
            found |= {404}
        if AFTER in self.queries or self.body is not None:
            found |= {400}
        if self.body is not None:
            found |= {413, 415}
        return tuple(sorted(found))


OPERATIONS: dict[str, Operation] = {}
