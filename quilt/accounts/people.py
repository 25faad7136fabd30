"""A person as a request knows them: facts to read, belonging to no database session."""

from types import SimpleNamespace

from quilt.mail import NOWHERE

STAFF_ROLES = ("moderator", "admin")


class SignedIn:
    """What Flask-Login and the pages ask of whoever is signed in."""

    id: int
    email: str
    role: str
    session_epoch: int
    waiting_role: str = ""  # a role that its holder gets once they have shown their second factor here

    is_authenticated = True
    is_active = True
    is_anonymous = False

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF_ROLES

    @property
    def has_desk(self) -> bool:
        """Whether the desk is theirs, though perhaps not before their second factor is shown."""
        return self.is_staff or bool(self.waiting_role)

    @property
    def has_address(self) -> bool:
        """Whether mail reaches them: who came by a provider that told no address has none that leads anywhere."""
        return not self.email.endswith(NOWHERE)

    @property
    def shown_address(self) -> str:
        """How pages name the account to its owner: by the address, else by where its provider's number is from."""
        return self.email if self.has_address else self.email.rpartition("@")[2].removesuffix(NOWHERE).title()

    def wait_for_factor(self) -> None:
        """From now on a member: whoever asks for the role finds none, whatever they ask for it."""
        self.waiting_role, self.role = self.role, "member"

    def get_id(self) -> str:
        """What the session cookie holds: it stops fitting when `session_epoch` rises."""
        return f"{self.id}.{self.session_epoch}"


class Person(SignedIn, SimpleNamespace):
    """The columns of a `User` row as they were when the request asked."""
