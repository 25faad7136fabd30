"""The result of a contest, once two people have looked at it."""

from flask import Response

from quilt.results.queries import find_published, list_names, list_places, list_prizes
from quilt.results.scores import read_scores
from quilt.votes.ledgers import list_accounts
from quilt.web.api.answers import answer_public, make_url
from quilt.web.api.finding import get_contest
from quilt.web.api.operations import operation
from quilt.web.api.problems import refuse
from quilt.web.api.shapes import ADDRESS, FLAG, INSTANT, NUMBER, TEXT, many, maybe, thing
from quilt.web.api.table import Operation

RATIO = {"type": "number"}
PLACE = thing(
    place=NUMBER, id=NUMBER, title=TEXT, url=ADDRESS, is_paid=FLAG, votes=NUMBER, score=maybe(RATIO),
    prize_state=maybe(TEXT),
)  # fmt: skip
RESULT = thing(
    contest=TEXT, is_final=FLAG, approved_at=INSTANT, appeals_until=INSTANT, ledger_size=NUMBER, draw_value=maybe(TEXT),
    places=many(PLACE), files_url=ADDRESS,
)  # fmt: skip


@operation(
    Operation(
        "show_results",
        "GET",
        "/contests/<slug>/results",
        "The result: places, counted votes, what became of the prize. 404 until it is published; "
        "`score` is null where judges had no share, `prize_state` for runners-up.",
        "Results",
        RESULT,
    )
)
def show_results(slug: str) -> Response:
    """The published result; appeals may still change it while `is_final` is false."""
    contest = get_contest(slug)
    result = find_published(contest.id)
    if result is None or result.approved_at is None:
        refuse(404, "no_result", "There is no published result yet.")
    places, scores = list_places(result), read_scores(result)
    names, prizes = list_names(places), {prize.entry_id: prize.state for prize in list_prizes(contest.id)}
    counted = {account.entry_id: account.counted for account in list_accounts(contest.id)}
    return answer_public(
        {
            "contest": contest.slug,
            "is_final": result.state == "final",
            "approved_at": result.approved_at,
            "appeals_until": result.appeals_until,
            "ledger_size": result.size,
            "draw_value": result.draw_value or None,
            "places": [
                {
                    "place": place,
                    "id": entry_id,
                    "title": names[entry_id][0],
                    "url": make_url(f"/entries/{entry_id}-{names[entry_id][1]}"),
                    "is_paid": place <= contest.policy.places,
                    "votes": counted.get(entry_id, 0),
                    "score": round(float(scores[entry_id].score), 6) if entry_id in scores else None,
                    "prize_state": prizes.get(entry_id),
                }
                for place, entry_id in enumerate(places, 1)
            ],
            "files_url": make_url(f"/contests/{contest.slug}/ledger/results.json?size={result.size}"),
        }
    )
