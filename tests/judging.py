"""Every answer that a real client reads, held against botocore's model of the operation that it asked for.

An answer has what its shape requires, an error is one that the operation may have, and nothing is a fault of ours.
"""

from __future__ import annotations

from typing import Any, Final

from botocore.model import OperationModel, Shape

COMMON: Final = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature",
        "IncompleteSignatureException", "InvalidAction", "InvalidClientTokenId", "InvalidParameterException",
        "InvalidParameterValue", "InvalidSignatureException", "MalformedHttpRequestException", "MalformedInput",
        "MalformedQueryString", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
        "MissingParameter", "RequestEntityTooLargeException", "RequestExpired", "SerializationException",
        "ServiceUnavailable", "ServiceUnavailableException", "SignatureDoesNotMatch", "Throttling",
        "ThrottlingException", "UnknownOperationException", "UnrecognizedClientException", "ValidationError",
        "ValidationException",
    }
)  # fmt: skip
"""Codes that every operation may answer (IAM, STS and Organizations API references, Common Errors)."""

BEYOND: Final = frozenset({("CreateRole", "NoSuchEntity"), ("AssumeRole", "LimitExceeded")})
"""What the model leaves out: a boundary that is not there, as AWS says it; our own limit for third parties."""
NOT_OF_ROOT: Final = frozenset({("GetUser", "User.UserName"), ("GetUser", "User.Path")})
"""What the model requires and the root does not have."""


def codes_of(model: OperationModel) -> frozenset[str]:
    """The error codes that the model gives an operation."""
    return frozenset(error.metadata.get("error", {}).get("code", error.name) for error in model.error_shapes)


def judge(http_response: Any, parsed: dict[str, Any], model: OperationModel, **_: object) -> None:
    """Raise AssertionError for an answer that a client could not live with; an event handler of botocore."""
    status, name = http_response.status_code, model.name
    assert status != 500, f"{name}: a fault of ours: {parsed}"
    error = parsed.get("Error")
    if error is not None:
        code = error.get("Code")
        known = codes_of(model) | COMMON
        assert code in known or (name, code) in BEYOND, f"{name} answers {code}, which its model does not know: {error}"
        assert error.get("Message"), f"{name} answers {code} without a word"
        assert parsed["ResponseMetadata"].get("RequestId"), f"{name}: an error without a request id"
        return
    if model.output_shape is not None:
        lacking = [
            where
            for where in lacks(model.output_shape, parsed, "")
            if (name, where) not in NOT_OF_ROOT or not parsed["User"]["Arn"].endswith(":root")
        ]
        assert not lacking, f"{name} leaves out {lacking}"


def lacks(shape: Shape, value: Any, at: str) -> list[str]:
    """The members that *shape* requires and *value* has not, however deep."""
    match shape.type_name:
        case "structure":
            found = [f"{at}{name}" for name in shape.required_members if name not in value]
            for name, member in shape.members.items():
                if name in value:
                    found += lacks(member, value[name], f"{at}{name}.")
            return found
        case "list":
            return [one for item in value for one in lacks(shape.member, item, at)]
        case _:
            return []
