"""Published weaknesses of systems like this one: where each is tried.

S are those of signatures and credentials, T of roles and sessions, F of second factors and passwords, C of pages for
browsers, L of logs, H of HTTP.  Those of assertions (M) and of tokens (J) have their numbers in the tests' names.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[1]
WHERE: Final[dict[str, str]] = {
    "S01 a forged element in what comes back (CVE-2020-16250)": "wire/test_shapes::test_cve_2020_16250_an_echoed_name_cannot_forge_an_element",
    "S02 another kind of token of the same issuer (CVE-2020-16251)": "federation/test_tokens::test_j10_the_token_is_for_a_registered_client",
    "S03 a parameter twice (CVE-2022-2385)": "web/test_signatures::test_a_parameter_that_occurs_twice_is_refused",
    "S04 another host": "web/test_signatures::test_a_request_for_another_host_is_refused",
    "S05 a request of another time (CVE-2020-12692)": "wire/test_sigv4::test_a_signature_is_good_for_a_while",
    "S06 a signature for another service (CVE-2025-65073)": "web/test_signatures::test_a_signature_for_another_service_says_nothing_here",
    "S07 credentials made with derived credentials (CVE-2020-12691)": "sessions/test_live_weaknesses::test_s24_s07_a_session_for_one_service_manages_no_credentials_not_even_its_own",
    "S08 an empty or malformed session policy (CVE-2020-12690)": "sessions/test_session_policies::test_s08_a_session_policy_that_is_none_never_gives_the_whole_role",
    "S09 fields named like context keys (CVE-2026-42999)": "sessions/test_live_sessions::test_s09_fields_named_like_what_is_known_of_the_caller_have_no_effect",
    "S10 an identity that a client says himself (CVE-2026-22797)": "resources/test_evaluate::test_a_name_alone_is_no_question",
    "S11 a life made longer by chaining (CVE-2012-3426)": "sessions/test_who_may_assume::test_s11_a_chain_never_lasts_longer_than_an_hour_at_a_time",
    "S12 a right delegated that the session lacks (CVE-2014-3476)": "sessions/test_session_policies::test_s12_a_session_delegates_no_right_that_its_session_policy_lacks",
    "S13 a secret that is shown again (CVE-2019-19687)": "sessions/test_live_weaknesses::test_s13_a_secret_is_shown_in_the_answer_that_made_it_and_never_again",
    "S14 refusals that tell who exists (CVE-2021-38155)": "sessions/test_who_may_assume::test_s14_somebody_without_permission_is_told_the_same_whatever_is_there",
    "S15 a revoked token in another spelling (CVE-2015-7546)": "sessions/test_live_sessions::test_s15_a_token_is_taken_in_one_spelling_only_before_and_after_it_is_revoked",
    "S16 a route without authentication (CVE-2020-11012)": "web/test_signatures::test_no_path_answers_whoever_did_not_sign",
    "S17 a body that is not signed (CVE-2025-31489)": "wire/test_sigv4::test_cve_2025_31489_the_declared_hash_is_absent_or_the_true_one",
    "S18 credentials in two places (CVE-2026-40344)": "wire/test_sigv4::test_cve_2026_40344_a_presigned_request_has_no_credentials_in_its_headers",
    "S19 headers that nobody signed (CVE-2026-97731)": "web/test_signatures::test_every_header_that_is_changed_or_added_after_signing_is_noticed",
    "S20 a forbidden action (CVE-2021-41137)": "access/test_promise::test_what_they_reach_at_the_start_is_what_was_meant",
    "S21 fields that nobody expects (CVE-2021-43858)": "wire/test_shapes::test_an_unknown_parameter_has_no_effect",
    "S22 a key for another (CVE-2022-24842)": "principals/test_access_keys::test_a_user_may_manage_his_own_keys_and_nobody_elses",
    "S23 a credential that edits its own limits (CVE-2024-24747)": "sessions/test_live_weaknesses::test_s24_s07_a_session_for_one_service_manages_no_credentials_not_even_its_own",
    "S24 the own account spared by a session policy (CVE-2025-62506)": "sessions/test_live_weaknesses::test_s24_s07_a_session_for_one_service_manages_no_credentials_not_even_its_own",
    "S26 secrets on a path that everybody finds (CVE-2023-28432)": "faults/test_weaknesses::test_s26_no_path_shows_a_secret_to_whoever_crawls",
    "S27 a token for another audience": "federation/test_tokens::test_j10_the_token_is_for_a_registered_client",
    "S28 a key that stands in a manual (CVE-2026-113466)": "outbound/test_root_key::test_a_key_that_was_not_drawn_is_refused",
    "S29 requests that come a byte at a time (CVE-2022-31028)": "web/test_weaknesses::test_s29_what_comes_byte_by_byte_is_not_waited_for_either",
    "S30 names of files (CVE-2022-35919)": "web/test_weaknesses::test_s30_a_name_of_a_file_is_a_name_and_no_file",
    "S31 a listener that asks nobody who he is (CVE-2026-72920)": "faults/test_weaknesses::test_s31_every_listener_asks_for_a_signature_or_is_on_loopback",
    "S32 a temporary secret worked out of the token": "outbound/test_custody::test_the_secret_cannot_be_worked_out_from_the_token",
    "S33 policies that cannot be read": "faults/test_corrupt::test_a_spoilt_log_is_not_served_from",
    "S34 a path in another spelling (CVE-2026-54917)": "sessions/test_live_weaknesses::test_s34_what_is_authorised_is_the_path_that_is_used",
    "S35 an address that a header claims (CVE-2026-21862)": "web/test_weaknesses::test_s35_whoever_asks_comes_from_where_the_socket_says",
    "S36 another action beside a signed body": "web/test_signatures::test_a_query_string_added_to_a_signed_post_is_noticed",
    "S37 secrets in diagnostics (CVE-2018-16889)": "outbound/test_custody::test_no_key_and_no_secret_is_ever_shown",
    "S38 two doors to one thing": "federation/test_live_console::test_s38_each_door_decides_as_the_other_does",
    "S39 bytes moved across delimiters": "wire/test_sigv4::test_no_byte_of_what_was_signed_in_the_header_can_be_changed",
    "S40 a URL that a pattern finds good": "federation/test_oidc_providers::test_urls_that_can_be_an_issuer",
    "S41 one parameter weighed and another used (CVE-2023-43040)": "wire/test_query::test_parameters_in_body_and_query_are_refused",
    "S42 a signature outside ASCII": "wire/test_sigv4::test_any_bytes_are_a_proof_a_refusal_or_nothing",
    "T01 the external id": "sessions/test_who_may_assume::test_an_external_id_is_compared_to_the_letter",
    "T02 ARNs and parameters in another case": "sessions/test_who_may_assume::test_t02_an_arn_is_compared_to_the_letter",
    "T03 a role that trusts everybody": "federation/test_shared_issuers::test_t03_or_refused_where_the_operator_says_so",
    "T04 tags that are not there": "sessions/test_session_tags::test_policies_may_ask_which_tags_are_brought",
    "T05 a stolen key that brings a device of its own": "principals/test_mfa::test_who_has_a_device_enrols_another_only_by_mfa",
    "T06 a namesake of somebody deleted": "sessions/test_session_token::test_t06_a_session_of_a_deleted_user_is_nothing_even_when_a_namesake_comes",
    "T07 the moment after a revocation": "sessions/test_live_sessions::test_t07_nobody_is_served_after_the_key_was_deleted",
    "T08 a chain of more than an hour": "sessions/test_live_weaknesses::test_t08_a_chain_ends_after_an_hour_and_the_log_says_how_deep_it_is_and_who_began_it",
    "T09 session tags": "sessions/test_session_tags::test_t09_a_tag_that_goes_on_is_never_replaced",
    "T10 the source identity": "sessions/test_source_identity::test_t10_it_is_carried_down_the_chain_and_never_changed",
    "T11 both accounts": "sessions/test_who_may_assume::test_across_accounts_both_sides_must_say_yes",
    "T12 a Deny in any layer": "sessions/test_who_may_assume::test_t12_a_boundary_holds_though_she_is_named",
    "T13 GetSessionToken": "sessions/test_session_token::test_t13_no_policy_forbids_it_and_none_is_needed",
    "T14 federated users after their key": "sessions/test_which_call_ends_what::test_which_call_ends_which_session",
    "T15 a token that never expires": "federation/test_tokens::test_j12_times_are_numbers_and_hold",
    "T16 trust policies that tell who exists": "roles/test_trust::test_another_account_answers_alike_whoever_is_there",
    "T17 requests that nobody records": "sessions/test_live_weaknesses::test_t17_each_request_of_somebody_known_is_one_entry_whatever_comes_of_it",
    "T18 guesses that come slowly": "principals/test_mfa::test_t18_a_guess_every_minute_is_looked_at_a_few_times_a_day",
    "T19 names that differ by case (CVE-2025-64761)": "sessions/test_live_weaknesses::test_t19_no_name_passes_for_another",
    "T20 a wildcard in a tag": "sessions/test_session_tags::test_t20_a_wildcard_in_a_tag_is_a_character",
    "T21 a list against a more specific Deny": "sessions/test_live_weaknesses::test_t21_a_deny_of_one_thing_holds_against_a_permission_to_list_all",
    "T22 another account's session (CVE-2026-40264)": "sessions/test_live_sessions::test_t22_another_accounts_session_cannot_be_told_from_none",
    "T23 a credential without an entry (CVE-2026-46405)": "faults/test_disk_full::test_nothing_is_issued_that_cannot_be_written_and_room_is_all_it_takes",
    "T26 operations that nobody published": "web/test_signatures::test_operations_that_are_not_known_or_not_supported_are_400",
    "T27 conditions of a trust policy that are not asked": "federation/test_live_web_identity::test_the_trust_policy_decides_who",
    "T28 the signature of another provider (CVE-2026-109372)": "federation/test_saml::test_a_signature_of_another_provider_counts_for_nothing",
    "F01 a code twice (CVE-2025-6015)": "principals/test_live::test_fifty_who_use_one_code_at_once_are_one_who_succeeds",
    "F02 a code in other clothes (CVE-2025-55000)": "principals/test_live::test_what_is_no_code_never_comes_near_a_device",
    "F03 guesses without end (CVE-2026-56450)": "principals/test_mfa::test_guessing_locks_a_device_for_a_time_that_doubles",
    "F04 a count that is lost with the refusal (CVE-2026-35597)": "principals/test_live::test_failures_are_counted_across_a_restart",
    "F05 a lock passed by the case of a name (CVE-2025-54998)": "principals/test_login_profiles::test_guessing_locks_a_password_for_a_time_that_doubles",
    "F06 a success before the second factor": "sessions/test_second_factor::test_f06_a_right_signature_does_not_take_back_a_wrong_code",
    "F07 codes of other moments": "principals/test_mfa::test_no_code_is_accepted_from_before_the_last_one",
    "F08 two codes that are not in a row": "principals/test_mfa::test_two_codes_that_are_not_in_a_row_are_wrong_and_counted",
    "F09 a seed that is short or shown": "principals/test_mfa::test_a_new_device_tells_its_seed_once_and_seals_it",
    "C02 a link that leads elsewhere (CVE-2026-123546)": "federation/test_live_console::test_c02_a_link_leads_on_to_our_own_pages_only",
    "C03 markup in a name (CVE-2026-27822)": "federation/test_live_console::test_c03_what_is_shown_is_text_and_never_markup",
    "C04 a session that somebody else chose (CVE-2018-1000519)": "federation/test_live_console::test_c04_c05_c06_a_page_is_nobody_elses_to_frame_to_read_or_to_be_remembered_by",
    "C05 a page in a frame": "federation/test_live_console::test_c04_c05_c06_a_page_is_nobody_elses_to_frame_to_read_or_to_be_remembered_by",
    "C06 an origin that is let in because it asks": "federation/test_live_console::test_c04_c05_c06_a_page_is_nobody_elses_to_frame_to_read_or_to_be_remembered_by",
    "C07 a link that signs others in as oneself (CVE-2026-33757)": "federation/test_live_console::test_c04_c07_c09_who_signed_in_is_remembered_by_no_browser",
    "C09 secrets within reach of scripts": "federation/test_live_console::test_c04_c07_c09_who_signed_in_is_remembered_by_no_browser",
    "L01 secrets in the log (CVE-2025-62513, CVE-2026-46358)": "faults/test_weaknesses::test_l01_no_file_holds_a_secret_that_was_given_or_taken",
    "L02 a log that is written where a call says (CVE-2025-6000)": "test_settings::test_l02_no_call_says_where_anything_is_written",
    "L03 lines that a client puts into the log": "faults/test_weaknesses::test_l03_nothing_that_a_terminal_acts_upon_gets_into_the_log",
    "L03 what a client does to a terminal": "cli/test_trail::test_l03_nothing_that_is_shown_does_anything_to_a_terminal",
    "L04 documents that are deep and wide (CVE-2025-6203)": "policy/test_document::test_the_longest_texts_are_read_to_their_end",
    "L05 one policy in two spellings": "policy/test_document::test_the_same_words_in_another_spelling_are_another_text_but_the_same_statements",
    "L06 a log that was changed": "faults/test_corrupt::test_a_spoilt_log_is_not_served_from",
    "L07 a clock that goes back": "ledger/test_contract::test_recorded_time_never_goes_back",
    "L07 the years 2038 and 9999": "sessions/test_who_may_assume::test_l07_no_year_is_too_late",
    "L08 a log that takes nothing": "faults/test_disk_full::test_nothing_is_issued_that_cannot_be_written_and_room_is_all_it_takes",
    "L08 a log that is never done": "ledger/test_faults::test_a_file_that_somebody_else_writes_is_unavailable_for_so_long",
    "H01 the absolute form (PYSEC-2026-4369)": "web/test_rim::test_the_absolute_form_of_a_target_is_refused",
    "H02 a header twice (CVE-2026-34525)": "web/test_signatures::test_two_authorization_headers_are_refused",
    "H03 a compressed body": "web/test_signatures::test_a_compressed_body_is_refused",
    "H04 a form in another charset": "wire/test_query::test_only_forms_in_utf_8_are_read",
    "H05 a path that is decoded before it is verified": "web/test_weaknesses::test_h05_a_path_is_signed_as_the_bytes_that_came",
    "H06 HTTP/1.0": "web/test_rim::test_http_1_0_is_refused",
    "H07 what follows the last chunk (CVE-2026-22815)": "web/test_weaknesses::test_h07_what_follows_the_last_chunk_says_nothing",
    "H08 requests that end in two places": "faults/test_weaknesses::test_h08_a_request_with_two_readings_has_none",
    "H09 many small things at once (CVE-2025-69229)": "web/test_weaknesses::test_h09_a_hundred_thousand_chunks_are_one_body",
    "H10 parameters that two readers read differently": "wire/test_shapes::test_a_form_that_two_readers_read_differently_is_refused",
    "H11 fields without end": "wire/test_query::test_the_number_of_fields_is_bounded",
    "H12 letters that look like others": "sessions/test_live_weaknesses::test_t19_no_name_passes_for_another",
}  # fmt: skip

OF_OTHERS: Final[dict[str, str]] = {
    "S25": "nothing is imported: what was exported is verified and read, and becomes no part of an authority",
    "T24": "no agent hands the credentials of a machine or a container to whoever asks there",
    "T25": "there is no ceremony of keys: a command on the machine itself makes them, and no path does",
    "C01": "no page does anything for whoever is signed in: no browser is known by a cookie",
    "C08": "no page switches roles",
    "H13": "no proxy asks by a path or by headers whether to let a request pass: questions are signed and stand in bodies",
}
"""Those of capabilities that are not here, and why."""


@cache
def named_in(module: str) -> frozenset[str]:
    """The names of the tests that a module has."""
    tree = ast.parse((TESTS / f"{module}.py").read_text("utf-8"))
    found = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, found) and node.name.startswith("test_"))


@pytest.mark.parametrize("weakness", WHERE)
def test_each_weakness_is_tried_where_it_is_said_to_be(weakness: str):
    module, _, name = WHERE[weakness].partition("::")
    assert name in named_in(module)


def test_none_is_left_out():
    numbers = {weakness.split()[0] for weakness in WHERE}
    last = {"S": 42, "T": 28, "F": 9, "C": 9, "L": 8, "H": 13}
    expected = {f"{letter}{number:02}" for letter, most in last.items() for number in range(1, most + 1)}
    assert numbers | OF_OTHERS.keys() == expected
    assert not numbers & OF_OTHERS.keys()
