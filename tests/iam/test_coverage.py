"""Nothing that an operation may answer goes untried: each works in some row, and each error is had in some row or said never to be."""

from __future__ import annotations

import re
from typing import Final

import pytest

from authority.registry import ACTIONS
from tests.iam.table import SPOKEN, Fails, model_of, service_of
from tests.iam.test_operations import ROWS
from tests.judging import codes_of

OPERATIONS: Final = sorted(
    name if service_of(name) == service else f"{service}:{name}" for service, name in ACTIONS if service in SPOKEN
)
NOT_HERE: Final = {
    "AssumeRoleWithSAML": "tests/federation",
    "AssumeRoleWithWebIdentity": "tests/federation",
    "DecodeAuthorizationMessage": "tests/sessions/test_authorization_message.py",
    "ListServerCertificateTags": "there is no certificate that has any",
}
"""Operations that work in no row, and where they do."""

NEVER: Final = (
    (r"ServiceFailure|ServiceException", r"\w+", "a fault of ours is InternalFailure, and no test may meet one"),
    (r"ConcurrentModification(Exception)?|ConflictException", r"\w+", "decisions are made one after another"),
    (r"AWSOrganizationsNotInUseException|FinalizingOrganizationException", r"\w+", "the organisation is the authority"),
    (r"TooManyRequestsException", r"\w+", "what is too fast is Throttling"),
    (r"UnsupportedAPIEndpointException", r"\w+", "every region answers"),
    (r"AccessDeniedException", r"DescribeOrganization", "every account may ask; who may not is told so like elsewhere"),
    (r"ConstraintViolationException", r"UntagResource|List\w+", "nothing hinders it"),
    (r"LimitExceeded", r"(Delete|Remove|Detach|Deactivate|Set|Generate|Resync|Change)\w+", "it adds nothing"),
    (
        r"LimitExceeded",
        r"Update(AccessKey|Group|LoginProfile|AccountPasswordPolicy|SAMLProvider|User)",
        "it adds nothing",
    ),
    (r"LimitExceeded", r"CreateAccountAlias|CreateLoginProfile", "the new one replaces the old, or is refused for it"),
    (
        r"InvalidInput",
        r"ListAttached\w+|Get\w+|Untag\w+|List\w+Tags|Put\w+PermissionsBoundary",
        "read: ValidationError",
    ),
    (r"EntityTemporarilyUnmodifiable", r"ChangePassword", "tests/principals: five wrong guesses, one right too late"),
    (r"EntityTemporarilyUnmodifiable", r"\w+", "what was decided is so at once"),
    (r"EntityAlreadyExists", r"AddRoleToInstanceProfile", "a profile with a role is full, whichever it is"),
    (
        r"MalformedPolicyDocument|NoSuchEntity",
        r"UpdateAccountPasswordPolicy",
        "it brings no document and needs nothing",
    ),
    (r"NoSuchEntity", r"CreateGroup|CreateServiceLinkedRole", "it needs nothing to be there"),
    (r"NoSuchEntity", r"DeleteOpenIDConnectProvider", "what is not there is gone, as in AWS"),
    (r"NotSupportedService|OpenIdIdpCommunicationError", r"\w+", "no service is asked, and none fetched from"),
    (r"PolicyEvaluation", r"\w+", "what cannot be weighed is refused as it is read"),
    (r"PolicyNotAttachable", r"\w+", "the catalogue has no policies that only services may hold"),
    (r"RegionDisabledException", r"\w+", "regions that are not configured are no regions: SignatureDoesNotMatch"),
    (r"ReportExpired", r"\w+", "tests/accounts/test_credential_report.py: four hours later"),
    (r"ReportInProgress", r"\w+", "a report is made when it is fetched"),
    (r"UnmodifiableEntity", r"UpdateRoleDescription", "anybody who may can describe a service's role"),
    (r"UnmodifiableEntity", r"RemoveRoleFromInstanceProfile", "a service's role is in none"),
    (r"ExpiredTokenException|MalformedPolicyDocument|PackedPolicyTooLarge", r"AssumeRoleWith\w+", "tests/federation"),
    (r"ExpiredTokenException", r"AssumeRole", "it is about contexts of identity centres, which are refused"),
    (r"IDPCommunicationError|IDPRejectedClaim|InvalidIdentityToken", r"AssumeRoleWith\w+", "tests/federation"),
    (r"SessionDurationEscalationException|JWTPayloadSizeExceededException", r"\w+", "tests/sessions"),
)
"""Errors that no row has: code, operation, and why."""


def outcomes() -> set[tuple[str, str]]:
    """Pairs of an operation and what it came to in some row: a code, or nothing."""
    found = set()
    for row in ROWS:
        for asked, gives in [(row.when, row.gives), *row.then, *((one, None) for one in row.given)]:
            found.add((asked.operation, gives.code if isinstance(gives, Fails) else ""))
    return found


HAD: Final = outcomes()


def never(operation: str, code: str) -> bool:
    name = operation.rpartition(":")[2]
    return any(re.fullmatch(codes, code) and re.fullmatch(names, name) for codes, names, _ in NEVER)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_works_in_some_row_and_fails_in_every_way_that_it_can(operation):
    assert (operation, "") in HAD or operation in NOT_HERE
    missing = {code for code in codes_of(model_of(operation)) if (operation, code) not in HAD}
    assert {code for code in missing if not never(operation, code)} == set()


@pytest.mark.parametrize(("codes", "names", "why"), NEVER, ids=[f"{code} of {name}" for code, name, _ in NEVER])
def test_nothing_that_is_said_never_to_be_is_had_or_unheard_of(codes, names, why):
    assert why
    known = {(name, code) for name in OPERATIONS for code in codes_of(model_of(name))}
    matching = {pair for pair in known if re.fullmatch(codes, pair[1]) and re.fullmatch(names, pair[0])}
    assert matching
    assert matching - HAD


def test_what_is_said_to_work_elsewhere_is_an_operation():
    assert set(NOT_HERE) <= set(OPERATIONS)
