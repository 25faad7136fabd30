"""What people choose for themselves: letters about their branches, and their name among the top spreaders."""

from sqlalchemy import update

from quilt.accounts.models import User
from quilt.database import transaction

LETTERS_OFF = b"letters off"  # what the token in a letter about branches is for


def stop_branch_letters(user_id: int) -> bool:
    """No more letters about branches for this person; False where the account is gone."""
    with transaction() as session:
        statement = update(User).where(User.id == user_id).values(has_branch_letters=False)
        done = session.execute(statement, execution_options={"synchronize_session": False})
        return bool(done.rowcount)  # type: ignore[attr-defined]


def choose(user_id: int, *, has_branch_letters: bool, is_named_spreader: bool) -> User:
    """Keep a person's choices as they stand in the form on their page."""
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        user.has_branch_letters, user.is_named_spreader = has_branch_letters, is_named_spreader
    return user
