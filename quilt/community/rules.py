"""Who may say what under an entry: facts in, a refusal out."""

LONGEST_COMMENT = 1000


class CommentRefused(Exception):
    """A comment that cannot stand; nothing was changed. `message` is for the person who wrote it."""

    message = "This comment cannot be added."


class EmptyComment(CommentRefused):
    """Nothing to read in it."""

    message = "Write a few words first."


class CommentTooLong(CommentRefused):
    """Longer than a comment may be."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        over = length - LONGEST_COMMENT
        self.message = (
            f"A comment has room for {LONGEST_COMMENT:,} characters; "
            f"this one is {over:,} {'character' if over == 1 else 'characters'} too long."
        )


class NotYours(CommentRefused):
    """Only its author may take a comment back."""

    message = "Only the person who wrote a comment can take it back."


def check_text(text: str) -> None:
    """Raise EmptyComment or CommentTooLong unless the tidied text fits."""
    if not text:
        raise EmptyComment
    if len(text) > LONGEST_COMMENT:
        raise CommentTooLong(len(text))
