"""When a branch has grown so far that its owner hears of it."""

MILESTONES = (10, 100, 1_000)  # people who came through one person


def list_milestones(people: int, told: int = 0) -> list[int]:
    """The milestones that a branch of so many people has passed and that lie beyond the last one told."""
    return [milestone for milestone in MILESTONES if told < milestone <= people]
