"""What the ledger refuses, by name."""


class LedgerRefused(ValueError):
    """Something does not fit the ledger; the message says what, in one sentence."""


class LeafRefused(LedgerRefused):
    """A leaf is not written the one way in which leaves are written."""


class ProofRefused(LedgerRefused):
    """A proof does not lead to the root."""


class HeadRefused(LedgerRefused):
    """A tree head is not signed by a known key, or does not follow the one before."""


class ReceiptRefused(LedgerRefused):
    """A receipt does not say what its leaf says, or nobody we know has signed it."""


class StateRefused(LedgerRefused):
    """A leaf cannot follow the leaves before it."""


class PolicyRefused(LedgerRefused):
    """A policy lacks what is needed to count by it."""


class DrawNeeded(LedgerRefused):
    """Entries are level at a place that counts, and the public value is not known yet."""

    def __init__(self, entries: list[int]) -> None:
        super().__init__(f"entries {', '.join(map(str, entries))} are level: the draw decides")
        self.entries = entries
