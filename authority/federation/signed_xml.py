"""From the bytes of a SAML response to the one assertion in it that its provider signed, or to nothing.

    1. bytes       base 64 spelled in the one way, bounded, UTF-8, no declarations of any kind
    2. structure   a Response with exactly one Assertion as its child, nothing encrypted, nothing but elements and
                   text, no id twice; signatures stand in what they sign, with one reference, to that, and nothing
                   that could make the signed bytes differ from what is read; sent here, and of somebody's success
    3. signature   every one that is there, with a key of the provider's metadata and with no other
    4. result      what the verifier gives back, read again from the very bytes that were signed

Structure is judged on the tree that the verifier gets, parsed once; no element of that tree is ever read for meaning.
The wrapping attacks of Somorovsky et al. ("On Breaking SAML", 2012) fail at 2, before any cryptography.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterable
from typing import Any, Final

from cryptography import x509
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier

from authority.federation.strict_xml import NotWellFormed, parsed, parser

LARGEST: Final = 131_072
"""Bytes of a response, decoded."""
MOST_ELEMENTS: Final = 2_000
DEEPEST: Final = 32
PROTOCOL: Final = "{urn:oasis:names:tc:SAML:2.0:protocol}"
ASSERTION: Final = "{urn:oasis:names:tc:SAML:2.0:assertion}"
DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE_NAMESPACES: Final = f"{{{EXCLUSIVE}}}InclusiveNamespaces"
METHODS: Final = frozenset(
    {
        SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512,
        SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384, SignatureMethod.ECDSA_SHA512,
    }
)  # fmt: skip
DIGESTS: Final = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})
IDS: Final = ("ID", "Id", "id", "{http://www.w3.org/XML/1998/namespace}id")

_SPACES: Final = re.compile(r"[ \t\r\n]+")
_DECLARATION: Final = re.compile(r"\A<\?xml[ \t\r\n]+version=(?:'1\.0'|\"1\.0\")(?P<more>[^?<>]*)\?>")
_ENCODING: Final = re.compile(r"encoding[ \t\r\n]*=[ \t\r\n]*['\"](?!utf-8['\"])", re.IGNORECASE)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,255}", re.ASCII)


class Unfit(Exception):  # noqa: N818 - what is wrong with a response, in words
    """Why a response does not count."""


def signed_assertion(encoded: str, certificates: Iterable[str], destinations: Collection[str]) -> Any:
    """The assertion in *encoded* that one of *certificates* (DER in base 64) vouches for, in one of *destinations*.

    It is the root of a tree of its own, made from the bytes that were signed.  Raises `Unfit`, and nothing else,
    whatever *encoded* is.
    """
    root = response_of(encoded)
    targets = gated(root)
    _delivered(root, destinations)
    trusted = [x509.load_der_x509_certificate(base64.b64decode(one)) for one in certificates]
    if not trusted:
        raise Unfit("the provider has no certificate")
    verified: dict[str, Any] = {}
    for target in targets:
        verified[target.tag] = _verified(root, target.tag, trusted)
    found = verified.get(f"{ASSERTION}Assertion")
    if found is None:
        (found,) = verified[f"{PROTOCOL}Response"].findall(f"{ASSERTION}Assertion")
        found = parsed(etree.tostring(found))
    return found


def response_of(encoded: str) -> Any:
    """The root of the response, parsed once, with nothing fetched, expanded or dropped."""
    compact = _SPACES.sub("", encoded)
    try:
        raw = base64.b64decode(compact, validate=True)
        text = raw.decode("utf-8")
    except (binascii.Error, ValueError):
        raise Unfit("it is not base 64 of UTF-8") from None
    if base64.b64encode(raw).decode() != compact:
        raise Unfit("its base 64 has another spelling")
    if len(raw) > LARGEST:
        raise Unfit("it is too large")
    declared = _DECLARATION.match(text)
    if declared is not None and _ENCODING.search(declared["more"]):
        raise Unfit("it says that it is in another encoding")
    # Document types, entities, CDATA, comments and instructions: no provider needs one, and each was an attack.
    if "<!" in text or "<?" in text[0 if declared is None else declared.end() :]:
        raise Unfit("it holds a declaration, a comment or an instruction")
    try:
        return parsed(raw)
    except NotWellFormed:
        raise Unfit("it is not well-formed XML") from None


def gated(root: Any) -> list[Any]:
    """The elements that carry signatures: the response, its assertion, or both; or `Unfit`."""
    if root.tag != f"{PROTOCOL}Response":
        raise Unfit("it is no response of SAML 2.0")
    _bounded(root)
    assertions, signatures, ids = [], [], set()
    for element in root.iter():
        if not isinstance(element.tag, str):
            raise Unfit("it holds something that is neither element nor text")
        name = etree.QName(element).localname
        if name.startswith("Encrypted"):
            raise Unfit("it is encrypted, which is not supported")
        if name == "Assertion":
            assertions.append(element)
        elif name == "Signature":
            signatures.append(element)
        elif name == "Response" and element is not root:
            raise Unfit("a response lies in it")
        for attribute in IDS:
            value = element.get(attribute)
            if value is None:
                continue
            if value in ids:
                raise Unfit("an id occurs twice")
            ids.add(value)
    if len(assertions) != 1 or assertions[0].getparent() is not root or assertions[0].tag != f"{ASSERTION}Assertion":
        raise Unfit("it must hold one assertion, no more and no less")
    targets = [signature.getparent() for signature in signatures]
    if not targets:
        raise Unfit("it is not signed")
    for signature, target in zip(signatures, targets, strict=True):
        if signature.tag != f"{DS}Signature" or (target is not root and target is not assertions[0]):
            raise Unfit("a signature stands where it signs nothing")
        _well_made(signature, target)
    if len(set(map(id, targets))) != len(targets):
        raise Unfit("something is signed twice")
    return targets


def _delivered(root: Any, destinations: Collection[str]) -> None:
    """Refuse a response that says it was sent elsewhere, or that nobody was authenticated.

    SAML 2.0 Bindings, section 3.5.5.2, and Core, section 3.2.2.  Whoever signs the assertion alone says neither with
    his signature: what the assertion says of its recipient is read beside it.
    """
    if root.get("Destination") not in (None, *destinations):
        raise Unfit("it was sent to another place")
    stated = [code.get("Value") for code in root.iterfind(f"{PROTOCOL}Status/{PROTOCOL}StatusCode")]
    if stated not in ([], [SUCCESS]):
        raise Unfit("it speaks of a failure")


def _bounded(root: Any) -> None:
    """Refuse what is larger or deeper than any response."""
    count, depth = 0, 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        count += event == "start"
        if depth > DEEPEST or count > MOST_ELEMENTS:
            raise Unfit("it is larger or deeper than a response can be")


def _well_made(signature: Any, target: Any) -> None:
    """Refuse a signature of *target* that could mean anything but: these bytes, this key, this element."""
    identifier = target.get("ID")
    if identifier is None or _NAME.fullmatch(identifier) is None:
        raise Unfit("what is signed has no id")
    children = [child.tag for child in signature]
    if children not in (
        [f"{DS}SignedInfo", f"{DS}SignatureValue"],
        [f"{DS}SignedInfo", f"{DS}SignatureValue", f"{DS}KeyInfo"],
    ):
        raise Unfit("a signature holds more than a signature")
    info = signature[0]
    if [child.tag for child in info] != [f"{DS}CanonicalizationMethod", f"{DS}SignatureMethod", f"{DS}Reference"]:
        raise Unfit("a signature must have one reference")
    method, algorithm, reference = info
    if method.get("Algorithm") != EXCLUSIVE or len(algorithm):
        raise Unfit("a signature is made in a way that does not count")
    if reference.get("URI") != f"#{identifier}":
        raise Unfit("a signature refers to something else than what it stands in")
    if [child.tag for child in reference] != [f"{DS}Transforms", f"{DS}DigestMethod", f"{DS}DigestValue"]:
        raise Unfit("a reference holds more than a reference")
    transforms = reference[0]
    if [one.get("Algorithm") for one in transforms] not in ([ENVELOPED, EXCLUSIVE], [ENVELOPED]):
        raise Unfit("a signature transforms what it signs in a way that does not count")
    for one in (method, *transforms):
        if one.tag not in (f"{DS}CanonicalizationMethod", f"{DS}Transform") or any(
            child.tag != INCLUSIVE_NAMESPACES or len(child) for child in one
        ):
            raise Unfit("a transform holds more than a transform")


def _verified(root: Any, tag: str, trusted: Iterable[x509.Certificate]) -> Any:
    """What the signature in the element *tag* signs, as the verifier gives it back."""
    location = "./" if tag == root.tag else f"./{tag}/"
    for certificate in trusted:
        config = SignatureConfiguration(
            location=location,
            expect_references=1,
            signature_methods=METHODS,
            digest_algorithms=DIGESTS,
            # Keys out of metadata count for as long as the metadata does (SAML V2.0 Metadata Interoperability, 2.6.1).
            verification_time=certificate.not_valid_before_utc,
        )
        try:
            result = XMLVerifier().verify(
                root, x509_cert=certificate, expect_config=config, id_attribute="ID", parser=parser()
            )
        except Exception:  # noqa: BLE001, S112 - whatever the verifier stumbles over is no signature
            continue
        found = None if isinstance(result, list) else result.signed_xml
        if found is not None and found.tag == tag:
            return found
    raise Unfit("its signature is not that of the provider")
