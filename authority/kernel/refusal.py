"""Why a request is refused.  `wire.errors` says how each reason is spelled and with which status."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Reason(enum.StrEnum):
    """Every reason a caller may be told; the values are written into the log and never change."""

    # Before anybody knows who asks.
    MALFORMED_REQUEST = "malformed-request"
    MALFORMED_QUERY_STRING = "malformed-query-string"
    UNREADABLE_INPUT = "unreadable-input"
    REQUEST_TOO_LARGE = "request-too-large"
    MISSING_AUTHENTICATION_TOKEN = "missing-authentication-token"
    INCOMPLETE_SIGNATURE = "incomplete-signature"
    INVALID_CLIENT_TOKEN_ID = "invalid-client-token-id"
    SIGNATURE_DOES_NOT_MATCH = "signature-does-not-match"
    REQUEST_EXPIRED = "request-expired"
    EXPIRED_TOKEN = "expired-token"
    # What was asked.
    INVALID_ACTION = "invalid-action"
    UNSUPPORTED_OPERATION = "unsupported-operation"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    VALIDATION_ERROR = "validation-error"
    INVALID_PARAMETER_VALUE = "invalid-parameter-value"
    INVALID_INPUT = "invalid-input"
    MISSING_PARAMETER = "missing-parameter"
    # Whether it may be done.
    ACCESS_DENIED = "access-denied"
    ENTITY_ALREADY_EXISTS = "entity-already-exists"
    ENTITY_TEMPORARILY_UNMODIFIABLE = "entity-temporarily-unmodifiable"
    NO_SUCH_ENTITY = "no-such-entity"
    DELETE_CONFLICT = "delete-conflict"
    LIMIT_EXCEEDED = "limit-exceeded"
    MALFORMED_POLICY_DOCUMENT = "malformed-policy-document"
    PACKED_POLICY_TOO_LARGE = "packed-policy-too-large"
    REGION_DISABLED = "region-disabled"
    UNMODIFIABLE_ENTITY = "unmodifiable-entity"
    CONCURRENT_MODIFICATION = "concurrent-modification"
    PASSWORD_POLICY_VIOLATION = "password-policy-violation"
    INVALID_USER_TYPE = "invalid-user-type"
    INVALID_AUTHENTICATION_CODE = "invalid-authentication-code"
    REPORT_NOT_PRESENT = "report-not-present"
    REPORT_EXPIRED = "report-expired"
    FEATURE_ENABLED = "feature-enabled"
    FEATURE_DISABLED = "feature-disabled"
    ACCOUNT_NOT_FOUND = "account-not-found"
    ACCOUNT_ALREADY_CLOSED = "account-already-closed"
    ACCOUNT_REQUEST_NOT_FOUND = "account-request-not-found"
    TARGET_NOT_FOUND = "target-not-found"
    PARENT_NOT_FOUND = "parent-not-found"
    CHILD_NOT_FOUND = "child-not-found"
    CONSTRAINT_VIOLATION = "constraint-violation"
    INVALID_AUTHORIZATION_MESSAGE = "invalid-authorization-message"
    OUTBOUND_FEDERATION_DISABLED = "outbound-federation-disabled"
    SESSION_DURATION_ESCALATION = "session-duration-escalation"
    JWT_PAYLOAD_SIZE_EXCEEDED = "jwt-payload-size-exceeded"
    INVALID_IDENTITY_TOKEN = "invalid-identity-token"
    EXPIRED_IDENTITY_TOKEN = "expired-identity-token"
    IDP_REJECTED_CLAIM = "idp-rejected-claim"
    IDP_COMMUNICATION_ERROR = "idp-communication-error"
    NOT_AUTHORIZED = "not-authorized"
    RESOURCE_CONFLICT = "resource-conflict"
    DEVELOPER_USER_TAKEN = "developer-user-taken"
    INVALID_POOL_CONFIGURATION = "invalid-pool-configuration"
    EXTERNAL_SERVICE = "external-service"
    TOO_MANY_REQUESTS = "too-many-requests"
    INVALID_LOOKUP_ATTRIBUTES = "invalid-lookup-attributes"
    INVALID_TIME_RANGE = "invalid-time-range"
    INVALID_NEXT_TOKEN = "invalid-next-token"
    # Ours, not the caller's.
    SERVICE_UNAVAILABLE = "service-unavailable"
    THROTTLING = "throttling"
    INTERNAL_FAILURE = "internal-failure"


# No struct: asking of something else whether it is one takes four times as long, and every step of a request asks.
@dataclass(frozen=True, slots=True)
class Refusal:
    """A no that the caller may know: the reason, and the sentence that says what to do next."""

    reason: Reason
    message: str
