"""Every route, every method, and who may use it. A route that is not in this table fails the guard."""

from dataclasses import dataclass
from enum import Enum


class Who(Enum):
    """Who gets an answer; the others are asked to sign in (strangers) or told that there is nothing (404)."""

    EVERYBODY = "everybody"
    SIGNED_IN = "whoever is signed in"
    ENTRANT = "the entry's own entrant"
    AUTHOR = "who wrote the comment"
    JUDGE = "who was asked to judge the contest"
    STAFF = "moderators and admins"
    ADMIN = "admins; moderators are told so"
    NOBODY = "nobody on this site: the demo only"


@dataclass(frozen=True)
class Route:
    """One method of one endpoint.

    `form` is a body that the view can use, with {names} of the cast's things; `refusal` a status that answers a
    wrong proof; `is_exempt`: guarded by the page's ticket, or by a check of the view's own, not by the form's token.
    """

    who: Who
    form: tuple[tuple[str, str], ...] = ()
    state: str = "published"  # what the entry is when the route is called
    is_exempt: bool = False
    refusal: int | None = None


def _form(**fields: str) -> tuple[tuple[str, str], ...]:
    return tuple(fields.items())


EVERYBODY, SIGNED_IN, ENTRANT, AUTHOR, JUDGE, STAFF, ADMIN, NOBODY = Who

ROUTES: dict[tuple[str, str], Route] = {
    # browsing
    ("site.show_home", "GET"): Route(EVERYBODY),
    ("site.show_contests", "GET"): Route(EVERYBODY),
    ("site.show_contest", "GET"): Route(EVERYBODY),
    ("site.show_rules", "GET"): Route(EVERYBODY),
    ("site.show_contest_spread", "GET"): Route(EVERYBODY),
    ("site.show_standings_json", "GET"): Route(EVERYBODY),
    # the open count
    ("site.show_ledger", "GET"): Route(EVERYBODY),
    ("site.download_ledger", "GET"): Route(EVERYBODY),
    ("site.prove_leaf", "GET"): Route(EVERYBODY, refusal=422),  # without the number of a leaf
    ("site.prove_growth", "GET"): Route(EVERYBODY, refusal=422),
    ("site.look_up_receipt", "GET"): Route(EVERYBODY),
    ("site.show_receipt", "GET"): Route(EVERYBODY),
    ("site.download_receipt", "GET"): Route(EVERYBODY),
    ("site.show_entry", "GET"): Route(EVERYBODY),
    ("site.show_figures", "GET"): Route(EVERYBODY),
    ("site.show_spread", "GET"): Route(EVERYBODY),
    ("site.show_spread_picture", "GET"): Route(EVERYBODY, refusal=404),  # young: no picture yet
    ("site.export_spread", "GET"): Route(EVERYBODY, refusal=404),
    ("site.show_media", "GET"): Route(EVERYBODY),
    ("site.show_icon", "GET"): Route(EVERYBODY),
    ("site.show_robots", "GET"): Route(EVERYBODY),
    ("site.show_sitemap", "GET"): Route(EVERYBODY),
    # links, arrivals, shares
    ("site.follow_link", "GET"): Route(EVERYBODY),
    ("site.show_qr", "GET"): Route(EVERYBODY),
    ("site.record_beacon", "POST"): Route(EVERYBODY, is_exempt=True),
    ("site.show_share", "GET"): Route(EVERYBODY),
    ("site.share", "POST"): Route(EVERYBODY, is_exempt=True),
    ("site.show_links", "GET"): Route(ENTRANT),
    ("site.add_link", "POST"): Route(ENTRANT, _form(label="Mail to the clinic")),
    ("site.show_kit", "GET"): Route(ENTRANT),
    ("site.change_kit", "POST"): Route(ENTRANT),
    ("site.show_share_preview", "GET"): Route(ENTRANT),
    # connected accounts: no network is on in these tests
    ("site.show_connections", "GET"): Route(SIGNED_IN),
    ("site.start_connection", "POST"): Route(SIGNED_IN, refusal=404),
    ("site.finish_connection", "GET"): Route(SIGNED_IN, refusal=404),
    ("site.end_connection", "POST"): Route(SIGNED_IN, refusal=404),
    ("site.write_post", "GET"): Route(SIGNED_IN, refusal=404),
    ("site.post_entry", "POST"): Route(SIGNED_IN, _form(words="Watch it"), refusal=404),
    ("site.show_post", "GET"): Route(SIGNED_IN, refusal=404),
    ("site.change_post", "POST"): Route(SIGNED_IN, _form(act="retry"), refusal=404),
    # votes
    ("site.cast_vote", "POST"): Route(EVERYBODY, is_exempt=True, refusal=403),
    ("site.show_challenge", "GET"): Route(EVERYBODY),
    ("site.confirm_vote", "GET"): Route(EVERYBODY, refusal=403),  # without a cookie
    ("site.confirm_vote", "POST"): Route(EVERYBODY, _form(code="00000000"), refusal=403),
    ("site.show_vote_link", "GET"): Route(EVERYBODY),
    ("site.cast_by_link", "POST"): Route(EVERYBODY),
    ("site.take_vote_back", "POST"): Route(SIGNED_IN, refusal=404),  # a receipt that is nobody's
    # comments
    ("site.add_comment", "POST"): Route(SIGNED_IN, _form(text="Go on!")),
    ("site.keep_comment", "POST"): Route(EVERYBODY, is_exempt=True, refusal=403),
    ("site.remove_comment", "POST"): Route(AUTHOR),
    ("site.hide_comment", "POST"): Route(STAFF),
    # entering
    ("site.start_entry", "GET"): Route(EVERYBODY),
    ("site.start_entry", "POST"): Route(SIGNED_IN, _form(contest_id="{contest_id}")),
    ("site.edit_entry", "GET"): Route(ENTRANT, state="draft"),
    ("site.leave_form", "GET"): Route(ENTRANT, state="draft"),
    ("site.save_draft", "POST"): Route(ENTRANT, _form(step="story", title="New"), state="draft"),
    ("site.upload_video", "POST"): Route(ENTRANT, state="draft", is_exempt=True),
    ("site.link_video", "POST"): Route(ENTRANT, _form(address="https://youtu.be/dQw4w9WgXcQ"), state="draft"),
    ("site.send_in", "POST"): Route(ENTRANT, state="draft"),
    ("site.withdraw_entry", "POST"): Route(ENTRANT),
    ("site.revise_entry", "POST"): Route(ENTRANT),
    ("site.show_progress", "GET"): Route(ENTRANT, state="draft"),
    # one's own page
    ("site.show_me", "GET"): Route(SIGNED_IN),
    ("site.change_name", "POST"): Route(SIGNED_IN, _form(name="Ana")),
    ("site.change_choices", "POST"): Route(SIGNED_IN, _form(has_branch_letters="y")),
    ("site.show_letters_off", "GET"): Route(EVERYBODY),
    ("site.stop_letters", "POST"): Route(EVERYBODY, is_exempt=True),
    ("site.show_head_letters", "GET"): Route(EVERYBODY, refusal=404),  # the token is of other letters
    ("site.choose_head_letters", "POST"): Route(EVERYBODY, is_exempt=True, refusal=404),
    ("site.show_privacy", "GET"): Route(SIGNED_IN),
    ("site.ask_for_copy", "POST"): Route(SIGNED_IN),
    ("site.take_copy", "GET"): Route(SIGNED_IN, refusal=404),
    ("site.leave", "POST"): Route(SIGNED_IN, _form(sure="y")),
    ("site.come_back", "POST"): Route(SIGNED_IN),
    # what guards an account
    ("auth.show_security", "GET"): Route(SIGNED_IN),
    ("auth.change_password", "POST"): Route(SIGNED_IN, _form(password="a long enough one")),
    ("auth.change_email", "POST"): Route(SIGNED_IN, _form(email="other@example.org")),
    ("auth.cancel_email_change", "POST"): Route(SIGNED_IN),
    ("auth.show_email_change", "GET"): Route(EVERYBODY),
    ("auth.agree_to_email", "POST"): Route(EVERYBODY),
    ("auth.stop_email_change", "POST"): Route(EVERYBODY),
    ("auth.ask_new_passkey", "POST"): Route(SIGNED_IN),
    ("auth.keep_passkey", "POST"): Route(SIGNED_IN),
    ("auth.take_passkey_away", "POST"): Route(SIGNED_IN),
    ("auth.begin_app", "POST"): Route(SIGNED_IN),
    ("auth.keep_app", "POST"): Route(SIGNED_IN, _form(digits="000000")),
    ("auth.take_app_away", "POST"): Route(SIGNED_IN),
    ("auth.renew_recovery_codes", "POST"): Route(SIGNED_IN),
    ("auth.show_sessions", "GET"): Route(SIGNED_IN),
    ("auth.end_one_session", "POST"): Route(SIGNED_IN, refusal=404),  # of a session that is nobody's
    ("auth.end_other_sessions", "POST"): Route(SIGNED_IN),
    # signing in
    ("auth.show_confirm", "GET"): Route(SIGNED_IN),
    ("auth.confirm_with_digits", "POST"): Route(SIGNED_IN, _form(digits="000000")),
    ("auth.confirm_with_password", "POST"): Route(SIGNED_IN, _form(password="a wrong one")),
    ("auth.ask_passkey", "POST"): Route(EVERYBODY),
    ("auth.sign_in_with_passkey", "POST"): Route(EVERYBODY),
    ("auth.show_link", "GET"): Route(EVERYBODY),
    ("auth.redeem_link", "POST"): Route(EVERYBODY),
    ("auth.show_sign_in", "GET"): Route(EVERYBODY),
    ("auth.request_code", "POST"): Route(EVERYBODY, _form(email="new@example.org")),
    ("auth.show_code", "GET"): Route(EVERYBODY),
    ("auth.redeem_code", "POST"): Route(EVERYBODY, _form(code="00000000")),
    ("auth.sign_in_with_password", "POST"): Route(
        EVERYBODY, _form(email="new@example.org", password="a wrong one"), refusal=401
    ),
    ("auth.sign_out", "POST"): Route(EVERYBODY),
    # signing in through providers: all of them are off in these tests
    ("auth.show_provider", "GET"): Route(EVERYBODY, refusal=404),
    ("auth.start_with_provider", "POST"): Route(EVERYBODY, refusal=404),
    ("auth.come_back", "GET"): Route(EVERYBODY, refusal=404),
    ("auth.bounce", "POST"): Route(EVERYBODY, refusal=404, is_exempt=True),
    ("auth.show_bluesky_client", "GET"): Route(EVERYBODY, refusal=404),
    ("auth.show_ways_in", "GET"): Route(SIGNED_IN),
    ("auth.disconnect", "POST"): Route(SIGNED_IN, refusal=403),
    # the desk
    ("admin.show_queue", "GET"): Route(STAFF),
    ("admin.show_review", "GET"): Route(STAFF, state="submitted"),
    ("admin.decide", "POST"): Route(STAFF, _form(action="approve"), state="submitted"),
    ("admin.change_prize", "POST"): Route(STAFF, _form(is_eligible="no", words="A school class.")),
    ("admin.remove_entry", "POST"): Route(STAFF, _form(action="remove", reason="remove:harm")),
    ("admin.rerun_video", "POST"): Route(STAFF),
    ("admin.show_branches", "GET"): Route(STAFF),
    ("admin.change_branch", "POST"): Route(STAFF, _form(action="exclude", arrival_id="1", reason="A burst.")),
    ("admin.show_log", "GET"): Route(STAFF),
    # doubt about votes
    ("admin.show_integrity", "GET"): Route(STAFF),
    ("admin.show_stretch", "GET"): Route(STAFF),
    ("admin.review_stretch", "POST"): Route(STAFF, _form(after="held")),
    ("admin.undo_stretch", "POST"): Route(STAFF, _form(words="A mistake.")),
    ("admin.show_vote", "GET"): Route(STAFF),
    ("admin.show_appeals", "GET"): Route(STAFF),
    ("admin.answer_one", "POST"): Route(STAFF, _form(outcome="dismissed", words="No.")),
    ("admin.show_retally", "GET"): Route(STAFF),
    ("site.show_check", "GET"): Route(EVERYBODY, refusal=404),
    ("site.confirm_check", "POST"): Route(EVERYBODY, is_exempt=True, refusal=404),
    ("site.show_appeal", "GET"): Route(EVERYBODY),
    ("site.send_appeal", "POST"): Route(EVERYBODY, _form(receipt="0" * 24, words="It was me."), refusal=404),
    ("site.show_notices", "GET"): Route(ENTRANT),
    ("site.send_notice", "POST"): Route(
        ENTRANT, _form(starts_at="2026-05-01T12:00", people="40", words="A mail")
    ),
    ("site.appeal_entry", "POST"): Route(ENTRANT, _form(words="They were people.")),
    ("site.show_what_is_kept", "GET"): Route(EVERYBODY),
    ("site.show_evidence_rules", "GET"): Route(EVERYBODY),
    ("admin.show_connections", "GET"): Route(STAFF),
    ("admin.test_connection", "POST"): Route(STAFF),
    ("admin.test_posting", "POST"): Route(STAFF),
    # contests
    ("admin.show_contests", "GET"): Route(STAFF),
    ("admin.new_contest", "GET"): Route(ADMIN),
    ("admin.create_contest", "POST"): Route(
        ADMIN, _form(title="Spring", slug="spring", time_zone="Europe/Paris")
    ),
    ("admin.show_contest_desk", "GET"): Route(STAFF),
    ("admin.show_basics", "GET"): Route(ADMIN),
    ("admin.save_basics", "POST"): Route(ADMIN, _form(title="Spring", edit_count="0")),
    ("admin.show_dates", "GET"): Route(ADMIN),
    ("admin.save_dates", "POST"): Route(ADMIN, _form(edit_count="0")),
    ("admin.show_ballot", "GET"): Route(ADMIN),
    ("admin.save_ballot", "POST"): Route(ADMIN, _form(edit_count="0")),
    ("admin.show_rules_desk", "GET"): Route(ADMIN),
    ("admin.save_rules", "POST"): Route(ADMIN, _form(rules_text="Be kind.", edit_count="0")),
    ("admin.publish_contest", "POST"): Route(ADMIN),
    ("admin.hide_contest", "POST"): Route(ADMIN),
    ("admin.pause_contest", "POST"): Route(ADMIN, _form(reason="A flood.")),
    ("admin.resume_contest", "POST"): Route(ADMIN, _form(reason="It is over.")),
    ("admin.extend_voting", "POST"): Route(ADMIN, _form(closes_at="2030-01-01T12:00", reason="A storm.")),
    ("admin.clone_contest", "POST"): Route(ADMIN, _form(title="Again", slug="again")),
    ("admin.show_domains", "GET"): Route(STAFF),
    ("admin.add_domain", "POST"): Route(
        ADMIN, _form(domain="example.org", verdict="fine", reason="A school.")
    ),
    ("admin.end_domain", "POST"): Route(ADMIN),
    # the result
    ("site.show_results", "GET"): Route(EVERYBODY),
    ("admin.show_result_desk", "GET"): Route(ADMIN),
    ("admin.try_gate", "POST"): Route(ADMIN, _form(action="try")),
    ("admin.approve_result", "POST"): Route(ADMIN),
    ("admin.take_back_result", "POST"): Route(ADMIN, _form(words="A mistake.")),
    ("admin.advance_prize", "POST"): Route(ADMIN, _form(step="verified", words="Checked.")),
    ("admin.pass_prize_on", "POST"): Route(ADMIN, _form(words="They moved away.")),
    ("admin.download_pack", "GET"): Route(ADMIN),
    # tables to take away
    ("admin.show_tables", "GET"): Route(ADMIN),
    ("admin.take_table", "GET"): Route(ADMIN),
    ("admin.show_contest_tables", "GET"): Route(ADMIN),
    ("admin.take_contest_table", "GET"): Route(ADMIN),
    ("admin.ask_for_vote_table", "POST"): Route(ADMIN, _form(file_format="csv")),
    ("admin.take_vote_table", "GET"): Route(ADMIN, refusal=410),  # nobody has asked for one
    # judging
    ("site.show_judging", "GET"): Route(SIGNED_IN),
    ("site.show_judged_contest", "GET"): Route(JUDGE),
    ("site.show_judged_entry", "GET"): Route(JUDGE),
    ("site.score_entry", "POST"): Route(JUDGE),
    ("site.declare_judge_conflict", "POST"): Route(JUDGE, _form(words="My sister made it.")),
    ("admin.show_panel", "GET"): Route(ADMIN),
    ("admin.save_criteria", "POST"): Route(ADMIN, _form(name="Story", weight="10", hint="")),
    ("admin.invite_judge", "POST"): Route(ADMIN, _form(email="judge@example.org")),
    ("admin.end_judge", "POST"): Route(ADMIN),
    ("admin.remind_judges", "POST"): Route(ADMIN),
    ("admin.close_panel", "POST"): Route(ADMIN),
    # the API: refusals come before anything is looked at where no token is sent
    ("api.list_contests", "GET"): Route(EVERYBODY),
    ("api.show_contest", "GET"): Route(EVERYBODY),
    ("api.list_entries", "GET"): Route(EVERYBODY),
    ("api.show_entry", "GET"): Route(EVERYBODY),
    ("api.show_standings", "GET"): Route(EVERYBODY),
    ("api.show_results", "GET"): Route(EVERYBODY, refusal=404),  # not published yet
    ("api.show_spread", "GET"): Route(EVERYBODY),
    ("api.show_ledger", "GET"): Route(EVERYBODY),
    ("api.list_heads", "GET"): Route(EVERYBODY),
    ("api.show_embed", "GET"): Route(EVERYBODY),
    ("api.show_description", "GET"): Route(EVERYBODY),
    ("api.show_docs", "GET"): Route(EVERYBODY),
    ("api.prove_leaf", "GET"): Route(EVERYBODY, refusal=422),  # without the number of a leaf
    ("api.prove_growth", "GET"): Route(EVERYBODY, refusal=422),
    ("api.show_me", "GET"): Route(EVERYBODY, refusal=401),
    ("api.list_my_entries", "GET"): Route(EVERYBODY, refusal=401),
    ("api.list_my_votes", "GET"): Route(EVERYBODY, refusal=401),
    ("api.list_queue", "GET"): Route(EVERYBODY, refusal=401),
    ("api.cast_vote", "POST"): Route(EVERYBODY, is_exempt=True, refusal=401),
    ("site.show_tokens", "GET"): Route(SIGNED_IN),
    ("site.make_token", "POST"): Route(SIGNED_IN, _form(name="Script", scopes="me:read", days="30")),
    ("site.end_one_token", "POST"): Route(SIGNED_IN),
    ("site.show_webhooks", "GET"): Route(SIGNED_IN),
    ("site.add_webhook", "POST"): Route(
        SIGNED_IN, _form(url="https://hooks.example.org/", events="entry.published")
    ),
    ("site.renew_webhook", "POST"): Route(SIGNED_IN, refusal=404),
    ("site.change_webhook", "POST"): Route(SIGNED_IN, refusal=404),
    ("site.replay_delivery", "POST"): Route(SIGNED_IN, refusal=404),
    # the brand's desk: whoever wrote the comment works for the brand
    ("brand.show_generator", "GET"): Route(EVERYBODY),
    ("brand.show_generated", "GET"): Route(EVERYBODY),
    ("brand.show_start", "GET"): Route(EVERYBODY),
    ("brand.add_placement", "POST"): Route(
        AUTHOR, _form(organisation_id="{organisation_id}", entry="{entry_id}", label="Home page")
    ),
    ("brand.show_organisations", "GET"): Route(SIGNED_IN),
    ("brand.add_organisation", "POST"): Route(SIGNED_IN, _form(name="Acme")),
    ("brand.show_desk", "GET"): Route(AUTHOR),
    ("brand.change_organisation", "POST"): Route(AUTHOR, _form(name="Acme & Daughters")),
    ("brand.change_reports", "POST"): Route(AUTHOR),
    ("brand.show_report", "GET"): Route(AUTHOR),
    ("brand.invite_person", "POST"): Route(AUTHOR, _form(email="new@example.org", role="viewer")),
    ("brand.change_person", "POST"): Route(AUTHOR, _form(action="change", role="owner")),
    ("brand.show_invitation", "GET"): Route(SIGNED_IN),
    ("brand.join", "POST"): Route(SIGNED_IN),
    ("brand.add_site", "POST"): Route(AUTHOR, _form(origins="https://blog.example.org")),
    ("brand.show_site", "GET"): Route(AUTHOR),
    ("brand.change_site", "POST"): Route(AUTHOR, _form(action="remove")),
    ("brand.change_sponsor", "POST"): Route(AUTHOR, _form(sponsor="Acme", disclosure="Supported by")),
    ("brand.change_logo", "POST"): Route(AUTHOR, is_exempt=True),
    ("brand.show_placement", "GET"): Route(AUTHOR),
    ("brand.change_embed", "POST"): Route(AUTHOR, _form(label="Footer")),
    # the widget
    ("widget.show_embed", "GET"): Route(EVERYBODY),
    ("widget.show_script", "GET"): Route(EVERYBODY),
    ("widget.show_frame_part", "GET"): Route(EVERYBODY),
    ("widget.show_entry_json", "GET"): Route(EVERYBODY),
    ("widget.show_vote_button", "GET"): Route(EVERYBODY),
    ("widget.show_contest_frame", "GET"): Route(EVERYBODY),
    ("widget.show_countdown", "GET"): Route(EVERYBODY),
    ("widget.show_placement", "GET"): Route(EVERYBODY),
    ("widget.show_contest_json", "GET"): Route(EVERYBODY),
    ("widget.show_look", "GET"): Route(EVERYBODY),
    ("widget.show_feed", "GET"): Route(EVERYBODY),
    ("widget.show_calendar", "GET"): Route(EVERYBODY),
    ("widget.show_reason", "GET"): Route(EVERYBODY),
    ("widget.show_release", "GET"): Route(EVERYBODY),
    ("widget.show_oembed", "GET"): Route(EVERYBODY),
    ("widget.record_seen", "POST"): Route(EVERYBODY, is_exempt=True),
    # operators
    ("site.show_health", "GET"): Route(EVERYBODY),
    ("site.show_readiness", "GET"): Route(EVERYBODY),
    # the demo's outbox
    ("site.show_outbox", "GET"): Route(NOBODY),
    ("site.show_letter", "GET"): Route(NOBODY),
}
