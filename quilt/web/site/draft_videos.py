"""The film of a draft: a file or a link, and how far it is."""

from flask import Response, abort, jsonify, make_response, request
from flask_login import current_user

from quilt.entries import service as entries
from quilt.entries.drafts import Draft
from quilt.entries.rules import EarlierVideoKept, WrongState
from quilt.extensions import csrf, limiter
from quilt.media import service as media
from quilt.media.queries import find_video
from quilt.media.rules import MediaRefused
from quilt.media.storage import originals_of, parts_of
from quilt.web.clock import entropy, now
from quilt.web.errors import answer_error, wants_json
from quilt.web.guards import signed_in_only
from quilt.web.settings import get_settings
from quilt.web.site import site
from quilt.web.site.draft_pages import UPLOADS, answer_step, by_person, say_size, see
from quilt.web.site.drafts import LinkForm, get_draft_or_404, step_url
from quilt.web.uploads import UploadTooLarge, receive_upload
from quilt.web.videos import describe_video

SENT_IN_MEANWHILE = "This entry was sent in meanwhile, so its video cannot be changed now."


@site.post("/submit/<int:entry_id>/video")
@csrf.exempt  # type: ignore[untyped-decorator]  # receive_upload checks the token once the body is read
@limiter.limit(UPLOADS, key_func=by_person)
@signed_in_only
def upload_video(entry_id: int) -> Response:
    """Take a video file; it is looked at at once and prepared by the worker."""
    if not get_draft_or_404(entry_id).is_open:  # said before the whole film has come
        return answer_error(409, SENT_IN_MEANWHILE)
    settings = get_settings()
    owner_id = current_user.id
    try:
        upload = receive_upload("file", parts_of(settings), settings.max_upload_mb * 1024 * 1024, entropy)
    except UploadTooLarge:
        return _refuse_video(entry_id, 413, f"Videos can be up to {say_size(settings.max_upload_mb)}.")
    if upload is None:
        return _refuse_video(entry_id, 422, "Choose a video file first.")
    moment, originals = now(), originals_of(settings)
    attach = entries.attaching(entry_id, owner_id, moment)
    try:
        video_id = media.receive_file(
            owner_id, upload.path, upload.name, originals, moment, entropy, attach=attach
        )
    except entries.NotFound:
        abort(404)
    except EarlierVideoKept as refusal:
        return _refuse_video(entry_id, 422, refusal.message)
    except WrongState:
        return answer_error(409, SENT_IN_MEANWHILE)
    video = find_video(video_id)
    if video is not None and video.state == "refused":
        return _refuse_video(entry_id, 422, video.message)
    if wants_json(request):
        return make_response(jsonify(_progress(get_draft_or_404(entry_id))), 201)
    return see(step_url(entry_id, "video"))


@site.post("/submit/<int:entry_id>/link")
@limiter.limit(UPLOADS, key_func=by_person)
@signed_in_only
def link_video(entry_id: int) -> Response:
    """Take a video at YouTube or Vimeo by its address; nothing of it is downloaded."""
    draft = get_draft_or_404(entry_id)
    form = LinkForm()
    attach = entries.attaching(entry_id, current_user.id, now())
    try:
        media.link_video(current_user.id, form.address.data or "", now(), attach=attach)
    except entries.NotFound:
        abort(404)
    except WrongState:
        return answer_error(409, SENT_IN_MEANWHILE)
    except MediaRefused as refused:
        form.address.errors = [refused.message]
        return answer_step(draft, "video", 422, link_form=form)
    return see(step_url(entry_id, "video"))


@site.get("/submit/<int:entry_id>/progress.json")
@signed_in_only
def show_progress(entry_id: int) -> Response:
    """How far the draft's video is, for the page that waits for it."""
    response = jsonify(_progress(get_draft_or_404(entry_id)))
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _refuse_video(entry_id: int, status: int, message: str) -> Response:
    if wants_json(request):
        return answer_error(status, message)
    return answer_step(get_draft_or_404(entry_id), "video", status, file_problem=message)


def _progress(draft: Draft) -> dict[str, object]:
    video = describe_video(draft.video)
    if video is None:
        return {"state": "none", "percent": 0, "words": "", "message": "", "is_final": True}
    return {
        "state": video.state,
        "percent": video.percent,
        "words": video.words,
        "message": video.message,
        "is_final": video.is_final,
        "src": video.src,
        "poster": video.poster_url,
        "width": video.width,
        "height": video.height,
    }
