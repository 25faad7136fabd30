"""The demo: a contest that is alive, made by driving the services that requests drive."""

from quilt.demo.filling import NotADemo, fill
from quilt.demo.people import SignIn
from quilt.demo.people import list_sign_ins as _list_sign_ins
from quilt.demo.stories import read_book

__all__ = ["NotADemo", "SignIn", "fill", "list_sign_ins"]


def list_sign_ins() -> list[SignIn]:
    """The people of the demo whom one may sign in as: each prints as a line with what to try."""
    return _list_sign_ins(read_book())
