"""How a refusal is spelled: one table from reason to code and status, and the two documents that carry them.

Decides nothing: why a request was refused was said by whoever refused it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

import msgspec

from authority.kernel.refusal import Reason, Refusal
from authority.wire.text import elementless, escaped


class Spelling(msgspec.Struct, frozen=True):
    """What clients compare: the code and status of the query protocol, and the code of the JSON protocol."""

    code: str
    status: int
    json_code: str

    @property
    def json_status(self) -> int:
        """JSON services answer every mistake of the caller with 400, whatever the code (AWS JSON 1.1 protocol)."""
        return self.status if self.status == 413 or self.status >= 500 else 400


# Codes and statuses: IAM and STS API references, Errors and Common Errors; JSON codes: the same pages of JSON services.
SPELLINGS: Final[Mapping[Reason, Spelling]] = {
    Reason.MALFORMED_REQUEST: Spelling("MalformedHttpRequestException", 400, "MalformedHttpRequestException"),
    Reason.MALFORMED_QUERY_STRING: Spelling("MalformedQueryString", 400, "MalformedQueryString"),
    Reason.UNREADABLE_INPUT: Spelling("MalformedInput", 400, "SerializationException"),
    Reason.REQUEST_TOO_LARGE: Spelling("RequestEntityTooLargeException", 413, "RequestEntityTooLargeException"),
    Reason.MISSING_AUTHENTICATION_TOKEN: Spelling(
        "MissingAuthenticationToken", 403, "MissingAuthenticationTokenException"
    ),
    Reason.INCOMPLETE_SIGNATURE: Spelling("IncompleteSignature", 400, "IncompleteSignatureException"),
    Reason.INVALID_CLIENT_TOKEN_ID: Spelling("InvalidClientTokenId", 403, "UnrecognizedClientException"),
    Reason.SIGNATURE_DOES_NOT_MATCH: Spelling("SignatureDoesNotMatch", 403, "InvalidSignatureException"),
    Reason.REQUEST_EXPIRED: Spelling("RequestExpired", 400, "RequestExpired"),
    Reason.EXPIRED_TOKEN: Spelling("ExpiredToken", 403, "ExpiredTokenException"),
    Reason.INVALID_ACTION: Spelling("InvalidAction", 400, "UnknownOperationException"),
    # Not a 5xx: clients would repeat for minutes what can never succeed.
    Reason.UNSUPPORTED_OPERATION: Spelling("InvalidAction", 400, "UnknownOperationException"),
    Reason.NOT_FOUND: Spelling("NotFound", 404, "NotFoundException"),
    Reason.METHOD_NOT_ALLOWED: Spelling("MethodNotAllowed", 405, "MethodNotAllowedException"),
    Reason.VALIDATION_ERROR: Spelling("ValidationError", 400, "ValidationException"),
    Reason.INVALID_PARAMETER_VALUE: Spelling("InvalidParameterValue", 400, "InvalidParameterException"),
    Reason.INVALID_INPUT: Spelling("InvalidInput", 400, "InvalidInputException"),
    Reason.MISSING_PARAMETER: Spelling("MissingParameter", 400, "ValidationException"),
    Reason.ACCESS_DENIED: Spelling("AccessDenied", 403, "AccessDeniedException"),
    Reason.ENTITY_ALREADY_EXISTS: Spelling("EntityAlreadyExists", 409, "EntityAlreadyExistsException"),
    Reason.ENTITY_TEMPORARILY_UNMODIFIABLE: Spelling(
        "EntityTemporarilyUnmodifiable", 409, "ConcurrentModificationException"
    ),
    Reason.NO_SUCH_ENTITY: Spelling("NoSuchEntity", 404, "ResourceNotFoundException"),
    Reason.DELETE_CONFLICT: Spelling("DeleteConflict", 409, "ResourceInUseException"),
    Reason.LIMIT_EXCEEDED: Spelling("LimitExceeded", 409, "LimitExceededException"),
    Reason.MALFORMED_POLICY_DOCUMENT: Spelling("MalformedPolicyDocument", 400, "MalformedPolicyDocumentException"),
    Reason.PACKED_POLICY_TOO_LARGE: Spelling("PackedPolicyTooLarge", 400, "PackedPolicyTooLargeException"),
    Reason.REGION_DISABLED: Spelling("RegionDisabledException", 403, "RegionDisabledException"),
    Reason.UNMODIFIABLE_ENTITY: Spelling("UnmodifiableEntity", 400, "UnmodifiableEntityException"),
    Reason.CONCURRENT_MODIFICATION: Spelling("ConcurrentModification", 409, "ConcurrentModificationException"),
    Reason.PASSWORD_POLICY_VIOLATION: Spelling("PasswordPolicyViolation", 400, "PasswordPolicyViolationException"),
    Reason.INVALID_USER_TYPE: Spelling("InvalidUserType", 400, "InvalidUserTypeException"),
    Reason.INVALID_AUTHENTICATION_CODE: Spelling(
        "InvalidAuthenticationCode", 403, "InvalidAuthenticationCodeException"
    ),
    Reason.REPORT_NOT_PRESENT: Spelling("ReportNotPresent", 410, "ReportNotPresentException"),
    Reason.REPORT_EXPIRED: Spelling("ReportExpired", 410, "ReportExpiredException"),
    Reason.FEATURE_ENABLED: Spelling("FeatureEnabled", 409, "FeatureEnabledException"),
    Reason.FEATURE_DISABLED: Spelling("FeatureDisabled", 404, "FeatureDisabledException"),
    Reason.INVALID_AUTHORIZATION_MESSAGE: Spelling(
        "InvalidAuthorizationMessageException", 400, "InvalidAuthorizationMessageException"
    ),
    Reason.OUTBOUND_FEDERATION_DISABLED: Spelling(
        "OutboundWebIdentityFederationDisabledException", 403, "OutboundWebIdentityFederationDisabledException"
    ),
    Reason.SESSION_DURATION_ESCALATION: Spelling(
        "SessionDurationEscalationException", 403, "SessionDurationEscalationException"
    ),
    Reason.JWT_PAYLOAD_SIZE_EXCEEDED: Spelling(
        "JWTPayloadSizeExceededException", 400, "JWTPayloadSizeExceededException"
    ),
    Reason.INVALID_IDENTITY_TOKEN: Spelling("InvalidIdentityToken", 400, "InvalidIdentityToken"),
    Reason.EXPIRED_IDENTITY_TOKEN: Spelling("ExpiredTokenException", 400, "ExpiredTokenException"),
    Reason.IDP_REJECTED_CLAIM: Spelling("IDPRejectedClaim", 403, "IDPRejectedClaim"),
    Reason.IDP_COMMUNICATION_ERROR: Spelling("IDPCommunicationError", 400, "IDPCommunicationError"),
    # Organizations speaks JSON only.
    Reason.ACCOUNT_NOT_FOUND: Spelling("AccountNotFoundException", 404, "AccountNotFoundException"),
    Reason.ACCOUNT_ALREADY_CLOSED: Spelling("AccountAlreadyClosedException", 409, "AccountAlreadyClosedException"),
    Reason.ACCOUNT_REQUEST_NOT_FOUND: Spelling(
        "CreateAccountStatusNotFoundException", 404, "CreateAccountStatusNotFoundException"
    ),
    Reason.TARGET_NOT_FOUND: Spelling("TargetNotFoundException", 404, "TargetNotFoundException"),
    Reason.PARENT_NOT_FOUND: Spelling("ParentNotFoundException", 404, "ParentNotFoundException"),
    Reason.CHILD_NOT_FOUND: Spelling("ChildNotFoundException", 404, "ChildNotFoundException"),
    Reason.CONSTRAINT_VIOLATION: Spelling("ConstraintViolationException", 409, "ConstraintViolationException"),
    # So do identity pools.
    Reason.NOT_AUTHORIZED: Spelling("NotAuthorizedException", 403, "NotAuthorizedException"),
    Reason.RESOURCE_CONFLICT: Spelling("ResourceConflictException", 409, "ResourceConflictException"),
    Reason.DEVELOPER_USER_TAKEN: Spelling(
        "DeveloperUserAlreadyRegisteredException", 400, "DeveloperUserAlreadyRegisteredException"
    ),
    Reason.INVALID_POOL_CONFIGURATION: Spelling(
        "InvalidIdentityPoolConfigurationException", 400, "InvalidIdentityPoolConfigurationException"
    ),
    Reason.EXTERNAL_SERVICE: Spelling("ExternalServiceException", 400, "ExternalServiceException"),
    Reason.TOO_MANY_REQUESTS: Spelling("TooManyRequestsException", 429, "TooManyRequestsException"),
    # CloudTrail speaks JSON only, too.
    Reason.INVALID_LOOKUP_ATTRIBUTES: Spelling(
        "InvalidLookupAttributesException", 400, "InvalidLookupAttributesException"
    ),
    Reason.INVALID_TIME_RANGE: Spelling("InvalidTimeRangeException", 400, "InvalidTimeRangeException"),
    Reason.INVALID_NEXT_TOKEN: Spelling("InvalidNextTokenException", 400, "InvalidNextTokenException"),
    Reason.SERVICE_UNAVAILABLE: Spelling("ServiceUnavailable", 503, "ServiceUnavailableException"),
    Reason.THROTTLING: Spelling("Throttling", 400, "ThrottlingException"),
    Reason.INTERNAL_FAILURE: Spelling("InternalFailure", 500, "InternalFailure"),
}

XML: Final = "text/xml"
JSON: Final = "application/x-amz-json-1.1"
INVALID: Final = "InvalidInputException"


def render_xml(refusal: Refusal, request_id: str, namespace: str) -> tuple[int, bytes]:
    """The status and document of the query protocol; *namespace* is the service's own."""
    spelling = SPELLINGS[refusal.reason]
    blame = "Receiver" if spelling.status >= 500 else "Sender"
    document = (
        f'<ErrorResponse xmlns="{escaped(namespace)}"><Error><Type>{blame}</Type><Code>{spelling.code}</Code>'
        f"<Message>{escaped(refusal.message)}</Message></Error>"
        f"<RequestId>{escaped(request_id)}</RequestId></ErrorResponse>"
    )
    return spelling.status, document.encode()


def render_query_json(refusal: Refusal, request_id: str) -> tuple[int, bytes]:
    """The status and document of the query protocol for whoever accepts JSON."""
    spelling = SPELLINGS[refusal.reason]
    blame = "Receiver" if spelling.status >= 500 else "Sender"
    message = refusal.message.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate would be a fault here
    error = {"Code": spelling.code, "Message": message, "Type": blame}
    return spelling.status, elementless(msgspec.json.encode({"Error": error, "RequestId": request_id}))


def render_json(refusal: Refusal, request_id: str, known: Container[str] = ()) -> tuple[int, dict[str, str], bytes]:
    """The status, headers and document of the JSON 1.1 protocol; *known* are the codes of the operation's model."""
    spelling = SPELLINGS[refusal.reason]
    code = spelling.json_code
    if refusal.reason is Reason.VALIDATION_ERROR and code not in known and INVALID in known:
        # Services of one age name what does not fit by a code of their own, those of another by the common one.
        code = INVALID
    headers = {"Content-Type": JSON, "x-amzn-ErrorType": code, "x-amzn-RequestId": request_id}
    message = refusal.message.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate would be a fault here
    return spelling.json_status, headers, msgspec.json.encode({"__type": code, "message": message})
