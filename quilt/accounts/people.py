"""A person as a request knows them: facts to read, belonging to no database session."""

from types import SimpleNamespace


class SignedIn:
    """What Flask-Login and the pages ask of whoever is signed in."""

    id: int
    role: str
    session_epoch: int

    is_authenticated = True
    is_active = True
    is_anonymous = False

    @property
    def is_staff(self) -> bool:
        return self.role in ("moderator", "admin")

    def get_id(self) -> str:
        """What the session cookie holds: it stops fitting when `session_epoch` rises."""
        return f"{self.id}.{self.session_epoch}"


class Person(SignedIn, SimpleNamespace):
    """The columns of a `User` row as they were when the request asked."""
