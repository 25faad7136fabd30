"""Answers that come later: who only waits for a commit keeps no thread meanwhile.

A thread that falls asleep and is woken costs as much as all else that a vote costs in Python. Granian keeps a
client's line open until its protocol object is told an answer, by whatever thread; so the request's own thread says
that the answer comes later, and the thread that hears of the commits tells it. Under another server there is no
`Reply`, and everything is answered at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from quilt.database import Write
from quilt.web.plain import Answer
from quilt.writing import Piece

REPLY = "quilt.reply"  # where a request's environment has the way back to its client
Headers = list[tuple[str, str]]


class LeftToView(Exception):
    """The view behind has the words for this."""


def raise_again(error: Exception) -> Answer:
    """There are no words for this here."""
    raise error


@dataclass(frozen=True, slots=True)
class Promise:
    """What is left to write for a request, and what it is answered with then.

    `refuse` makes an answer of what the write raised, or raises it again, or LeftToView. `end` is called once, as
    soon as the write has ended.
    """

    write: Write
    answer: Callable[[Any], Answer]
    refuse: Callable[[Exception], Answer] = raise_again
    end: Callable[[], None] = lambda: None

    def start(self, done: Callable[[Piece], None]) -> bool:
        """Have it written with what others wait for; `done` is called with the outcome. False: it is left to do."""
        try:
            return self.write.run_in_crowd(done)
        except BaseException:
            self.end()
            raise

    def keep(self) -> Answer:
        """Write now, and answer; raises what was refused and has no words here."""
        try:
            result = self.write.run()
        except Exception as error:  # noqa: BLE001 what it does not know it raises again
            return self.refuse(error)
        finally:
            self.end()
        return self.answer(result)


class Reply:
    """Granian's protocol object for one request, of whom its own wrapper asks the answer at once."""

    __slots__ = ("_is_later", "_protocol")

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._is_later = False

    def come_later(self) -> None:
        """What the application returns is no answer; `response_bytes` of `send` is."""
        self._is_later = True

    def send(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer; a line that has been answered, or is gone, takes no second one."""
        self._protocol.response_bytes(status, headers, body)

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        """What granian calls with an answer that is there."""
        if not self._is_later:
            self._protocol.response_bytes(status, headers, body)

    def response_iter(self, status: int, headers: Headers, body: Any) -> None:
        """What granian calls with an answer that comes in parts."""
        self._protocol.response_iter(status, headers, body)


def with_replies(wrap: Callable[..., Any]) -> Callable[..., Any]:
    """Granian's wrapper of a WSGI application, so that each request's environment has its `Reply`."""

    def wrap_with_replies(*args: Any) -> Callable[..., Any]:
        run = wrap(*args)

        def run_with_reply(protocol: Any, environ: dict[str, Any]) -> Any:
            reply = environ[REPLY] = Reply(protocol)
            return run(reply, environ)

        return run_with_reply

    return wrap_with_replies
