"""What people read when a provider did not prove who they are, and with which status."""

from quilt.accounts import proofs
from quilt.accounts.rules import AccountRefused

WORDS: dict[type[AccountRefused], tuple[int, str]] = {
    proofs.Interrupted: (400, "Sign-in was interrupted. Start again."),
    proofs.PermissionDenied: (200, "You did not give permission. Use e-mail instead."),
    proofs.ProviderSilent: (503, "{label} is not answering. Use e-mail instead."),
    proofs.ServerUnknown: (422, "We could not find that at {label}. Look at the spelling and try again."),
    proofs.AddressKnown: (
        409,
        "The address of that {label} account has an account here. Sign in to that account first, then connect {label} on your page.",
    ),
    proofs.IdentityTaken: (409, "That {label} account is connected to another profile."),
    proofs.ProviderConnected: (
        409,
        "Another {label} account is connected with yours. Disconnect it first.",
    ),
    proofs.LastWayIn: (
        409,
        "This is the only way into your account. Add an e-mail address or another sign-in first.",
    ),
    proofs.NotFresh: (403, "Confirm first that it is you: sign in once more, then try again."),
}


def describe_provider_refusal(refusal: AccountRefused, label: str) -> tuple[int, str]:
    """Status and words; `label` is the provider's name."""
    status, words = WORDS.get(type(refusal), WORDS[proofs.Interrupted])
    return status, words.format(label=label)
