"""What cannot be done to a contest, with words for the person who tried."""


class InvalidContest(Exception):
    """These settings make no contest; `field` is the one to mend ('' for the whole), `others` what else is to mend."""

    def __init__(self, field: str, message: str, others: "tuple[InvalidContest, ...]" = ()) -> None:
        super().__init__(message)
        self.field = field
        self.message = message
        self.others = others


class Frozen(InvalidContest):
    """Voting has opened: what voters were told stays as it is."""

    def __init__(self, what: str) -> None:
        super().__init__("", f"Voting has opened, so {what} cannot be changed any more. Nothing was changed.")


class EditedMeanwhile(InvalidContest):
    """Somebody else saved this contest after the form was opened."""

    def __init__(self) -> None:
        super().__init__(
            "",
            "Somebody else changed this contest while you were writing. Your text is below: look at the contest in "
            "another tab, then save again to put yours in its place.",
        )
