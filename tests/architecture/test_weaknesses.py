"""Published weaknesses of systems like this one that concern sessions, keys and second factors: where each is tried.

S are those of signatures and credentials, T of roles and sessions, F of second factors and passwords.
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
    "S27 a token for another audience": "federation/test_tokens::test_j10_the_token_is_for_a_registered_client",
    "S32 a temporary secret worked out of the token": "outbound/test_custody::test_the_secret_cannot_be_worked_out_from_the_token",
    "S36 another action beside a signed body": "web/test_signatures::test_a_query_string_added_to_a_signed_post_is_noticed",
    "S37 secrets in diagnostics (CVE-2018-16889)": "outbound/test_custody::test_no_key_and_no_secret_is_ever_shown",
    "S39 bytes moved across delimiters": "wire/test_sigv4::test_no_byte_of_what_was_signed_in_the_header_can_be_changed",
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
}  # fmt: skip


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


def test_none_of_the_roles_sessions_and_second_factors_is_left_out():
    numbers = {weakness.split()[0] for weakness in WHERE}
    of_others = {"T24", "T25"}  # instance credentials, key ceremonies
    expected = {f"T{number:02}" for number in range(1, 29)} | {f"F{number:02}" for number in range(1, 10)}
    assert expected - of_others <= numbers
