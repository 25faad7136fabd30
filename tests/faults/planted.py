"""What stands in a planted server in the place of the write that casts a vote."""

from collections.abc import Callable
from functools import partial
from typing import Any

from quilt.votes import service
from quilt.votes.service import Receipt


class PlantedVote:
    """A vote that is cast by another function, as soon as it is asked for."""

    def __init__(self, cast: Callable[..., Receipt], *args: Any, **more: Any) -> None:
        self.run = partial(cast, *args, **more)

    def run_in_crowd(self, _done: Callable[..., None]) -> bool:
        """It is never left to the writer."""
        return False


def plant(cast: Callable[..., Receipt]) -> None:
    """From now on votes by the site's form are cast by this function."""
    service.plan_vote = partial(PlantedVote, cast)  # type: ignore[assignment]
