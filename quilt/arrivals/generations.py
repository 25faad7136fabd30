"""The stored generations of an entry, few rows however deep the tree is."""

from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from quilt.arrivals.models import EntryGeneration
from quilt.database import db


@dataclass(frozen=True, slots=True)
class Stretch:
    """People and votes of the generations from `first` to `last`."""

    first: int
    last: int
    people: int
    votes: int


@dataclass(frozen=True, slots=True)
class Generations:
    """The first generations one by one, then all of them in stretches of `width`; `widest` has the most people.

    `widest` is None where two have as many, or where there is only one.
    """

    firsts: list[Stretch]
    stretches: list[Stretch]
    width: int
    widest: Stretch | None


def read_generations(entry_id: int, depth: int, firsts: int, stretches: int) -> Generations:
    """The generations below the entry, at most so many `firsts` and `stretches`."""
    width = max(1, -(-depth // stretches))
    values = {"entry_id": entry_id, "width": width, "firsts": firsts}
    largest = [_one(*row) for row in db.session.execute(_WIDEST, values)]
    is_unique = len(largest) == 2 and largest[0].people > largest[1].people
    return Generations(
        firsts=[_one(*row) for row in db.session.execute(_FIRSTS, values)],
        stretches=[
            Stretch(place * width + 1, min(depth, (place + 1) * width), int(people), int(votes))
            for place, people, votes in db.session.execute(_STRETCHES, values)
        ],
        width=width,
        widest=largest[0] if is_unique else None,
    )


def gather_generations(people: list[int], firsts: int, stretches: int) -> Generations:
    """The same of counts by generation, the first of them generation 1; nobody's votes are known."""
    width = max(1, -(-len(people) // stretches))
    ones = [_one(number, count, 0) for number, count in enumerate(people, 1)]
    ranked = sorted(ones, key=lambda one: -one.people)
    is_unique = len(ranked) > 1 and ranked[0].people > ranked[1].people
    return Generations(
        firsts=ones[:firsts],
        stretches=[
            Stretch(at + 1, min(len(people), at + width), sum(people[at : at + width]), 0)
            for at in range(0, len(people), width)
        ],
        width=width,
        widest=ranked[0] if is_unique else None,
    )


def _one(generation: int, people: int, votes: int) -> Stretch:
    return Stretch(generation, generation, int(people), int(votes))


_of_entry = (EntryGeneration.entry_id == bindparam("entry_id"), EntryGeneration.generation > 0)
_rows = select(EntryGeneration.generation, EntryGeneration.people_count, EntryGeneration.votes_count).where(
    *_of_entry, EntryGeneration.people_count > 0
)
_FIRSTS = _rows.order_by(EntryGeneration.generation).limit(bindparam("firsts"))
_WIDEST = _rows.order_by(EntryGeneration.people_count.desc(), EntryGeneration.generation).limit(2)
# Parentheses and whole numbers: an integer division on both databases.
_place = (
    (EntryGeneration.generation - 1) // bindparam("width", type_=EntryGeneration.generation.type)
).label("place")
_STRETCHES = (
    select(_place, func.sum(EntryGeneration.people_count), func.sum(EntryGeneration.votes_count))
    .where(*_of_entry, EntryGeneration.people_count > 0)
    .group_by("place")
    .order_by("place")
)
