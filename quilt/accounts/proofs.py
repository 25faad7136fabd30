"""What a provider proves of a person, and the ways in which it can fail to."""

from dataclasses import dataclass

from quilt.accounts.rules import AccountRefused


@dataclass(frozen=True, slots=True)
class Proof:
    """A provider vouches that this person holds `subject` at `issuer`.

    `email` is an address that it told, in the form of `clean_email`, or ''; `is_vouched` whether it has verified
    that address and is believed in this. Neither ever decides whose account this is.
    """

    provider: str
    issuer: str
    subject: str
    label: str = ""
    email: str = ""
    is_vouched: bool = False


class SignInRefused(AccountRefused):
    """Somebody came back from a provider without being proven; nothing was changed.

    `why` is for the log: one of our own words, nothing that came from outside. `next_path` is where they had been
    going, as far as it is known.
    """

    def __init__(self, why: str = "", next_path: str = "/") -> None:
        super().__init__(why or type(self).__name__)
        self.why = why or type(self).__name__
        self.next_path = next_path


class Interrupted(SignInRefused):
    """The answer does not belong to a trip that this browser began a moment ago, or is not to be believed."""


class PermissionDenied(SignInRefused):
    """They said no at the provider."""


class ProviderSilent(SignInRefused):
    """No answer in time, or none that can be used."""


class ServerUnknown(SignInRefused):
    """What was typed is no server of this network, or no name that leads to one."""


class AddressKnown(SignInRefused):
    """An account with this address is here already, and was not made by this identity: never linked by address."""


class IdentityTaken(SignInRefused):
    """This identity belongs to another account."""


class ProviderConnected(SignInRefused):
    """Another identity of the same provider is connected with this account."""


class LastWayIn(AccountRefused):
    """Without this identity nobody could sign in to the account any more."""


class NotFresh(AccountRefused):
    """Ways to sign in are changed by somebody who has just shown who they are."""
