"""Videos that live at YouTube or Vimeo: where to play them, and what is stored of a link."""

from quilt.media.links import LinkedVideo, parse_link

KINDS = {"youtube": "https://www.youtube.com/watch?v=", "vimeo": "https://vimeo.com/"}
PROVIDER_NAMES = {"youtube": "YouTube", "vimeo": "Vimeo"}
ID_LENGTH = 40


def find_linked(kind: str, external_id: str) -> LinkedVideo | None:
    """Addresses of a linked video by what its row holds; None for our own files."""
    return parse_link(KINDS[kind] + external_id) if kind in KINDS else None


def external_id_of(linked: LinkedVideo) -> str:
    """What is stored of a link: the id, with the secret of an unlisted Vimeo video behind a slash."""
    return linked.watch_url.removeprefix(KINDS[linked.provider])
