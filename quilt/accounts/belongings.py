"""What each room knows of a person, told by the rooms themselves: for the copy they take and for their leaving.

A room's `privacy.py` registers what it can list of one person (`tells`), which files are theirs (`keeps_files`) and
how it lets go of them (`forgets`). What could act for an account, or tell others of it, without anybody signing in is cut
when the address's owner comes to an account that somebody else had begun (`cuts`). This room, at the bottom, knows none of the others.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

Row = Mapping[str, object]
Tell = Callable[[Session, int], Iterable[Row]]
Forget = Callable[[Session, int, datetime], None]
Cut = Callable[[Session, int], None]


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A stored file: in which storage (`upload` or `media`), under which key, and its name in the copy, '' for none."""

    storage: str
    key: str
    name: str


TELLERS: dict[str, Tell] = {}
KEEPERS: list[Callable[[Session, int], Iterable[OwnFile]]] = []
FORGETTERS: dict[str, Forget] = {}
CUTTERS: dict[str, Cut] = {}


def tells(name: str) -> Callable[[Tell], Tell]:
    """Register what lists one person's rows under this name: `(session, user_id)` → mappings of plain values."""

    def register(tell: Tell) -> Tell:
        TELLERS[name] = tell
        return tell

    return register


def keeps_files(
    keeper: Callable[[Session, int], Iterable[OwnFile]],
) -> Callable[[Session, int], Iterable[OwnFile]]:
    """Register what names one person's files."""
    KEEPERS.append(keeper)
    return keeper


def forgets(name: str) -> Callable[[Forget], Forget]:
    """Register what lets go of one person in the transaction of their leaving; safe to be done twice."""

    def register(forget: Forget) -> Forget:
        FORGETTERS[name] = forget
        return forget

    return register


def cuts(name: str) -> Callable[[Cut], Cut]:
    """Register what ends the lines that lead out of an account, in the transaction that makes it its owner's."""

    def register(cut: Cut) -> Cut:
        CUTTERS[name] = cut
        return cut

    return register


def tell_everything(session: Session, user_id: int) -> dict[str, list[dict[str, object]]]:
    """All that the rooms know of a person, by name, each a list of rows."""
    return {name: [dict(row) for row in tell(session, user_id)] for name, tell in sorted(TELLERS.items())}


def count_everything(session: Session, user_id: int) -> dict[str, int]:
    """How many rows there are of each name."""
    return {name: sum(1 for _ in tell(session, user_id)) for name, tell in sorted(TELLERS.items())}


def list_files(session: Session, user_id: int) -> list[OwnFile]:
    """The files of a person."""
    return [file for keeper in KEEPERS for file in keeper(session, user_id)]


def let_go(session: Session, user_id: int, now: datetime) -> None:
    """Have every room let go of a person, within the caller's transaction."""
    for name in sorted(FORGETTERS):
        FORGETTERS[name](session, user_id, now)


def cut_off(session: Session, user_id: int) -> None:
    """Have every room end what leads out of an account, within the caller's transaction."""
    for name in sorted(CUTTERS):
        CUTTERS[name](session, user_id)
