"""Only what the provider signed is ever read, however a response is wrapped, doubled, cut or dressed up."""

from __future__ import annotations

import base64
import contextlib
import re
import zlib
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from authority.federation.signed_xml import Unfit, signed_assertion
from tests.federation.responses import (
    RECIPIENT,
    A,
    D,
    P,
    assertion,
    der,
    encoded,
    good,
    pair,
    response,
    sign_assertion,
    signed,
)

TRUSTED = (der(),)
HERE = (RECIPIENT,)
NAME, SIGNATURE = f"{{{A}}}NameID", f"{{{D}}}Signature"


def who(root: Any, trusted: Any = TRUSTED) -> str:
    """Whom a response speaks of, as we read it."""
    found = signed_assertion(encoded(root), trusted, HERE)
    assert found.tag == f"{{{A}}}Assertion"
    assert found.getparent() is None
    (name,) = found.iter(NAME)
    return str(name.text)


def refused(root: Any, why: str = "", trusted: Any = TRUSTED) -> bool:
    with pytest.raises(Unfit, match=why or None):
        signed_assertion(encoded(root), trusted, HERE)
    return True


def inside(root: Any) -> Any:
    (found,) = root.findall(f"{{{A}}}Assertion")
    return found


def evil(identifier: str = "_evil") -> Any:
    return etree.fromstring(assertion(name="admin", identifier=identifier))


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_signed_assertion_is_read(kind: str):
    assert who(sign_assertion(response(assertion()), kind=kind), (der(kind),)) == "ann"


def test_m25_a_signed_response_vouches_for_the_assertion_in_it():
    assert who(signed(response(assertion()))) == "ann"


def test_m25_both_may_be_signed_and_then_both_must_hold():
    both = signed(good())
    assert who(both) == "ann"
    both.set("Consent", "urn:oasis:names:tc:SAML:2.0:consent:obtained")
    assert refused(both, "not that of the provider")


def test_any_of_the_providers_keys_will_do():
    assert who(good(), (der(name="older"), der())) == "ann"


def test_m25_what_is_not_signed_is_nothing():
    assert refused(response(assertion()), "not signed")


# --- signature wrapping (Somorovsky et al., 2012) --------------------------------------------------------------------


def xsw1() -> Any:
    """A forged response around; the signed one lies in its signature."""
    root = signed(response(assertion()))
    forged = deepcopy(root)
    forged.set("ID", "_evil")
    inside(forged).replace(next(inside(forged).iter(f"{{{A}}}Subject")), next(evil().iter(f"{{{A}}}Subject")))
    whole = deepcopy(root)
    whole.remove(whole.find(SIGNATURE))
    forged.find(SIGNATURE).append(whole)
    return forged


def xsw2() -> Any:
    """The same, with the signature before the signed response."""
    forged = response(assertion(name="admin"), identifier="_evil")
    root = signed(response(assertion()))
    signature = root.find(SIGNATURE)
    root.remove(signature)
    forged.insert(0, root)
    forged.insert(0, signature)
    return forged


def xsw3() -> Any:
    """A forged assertion before the signed one."""
    root = good()
    root.insert(1, evil())
    return root


def xsw4() -> Any:
    """The signed assertion inside the forged one."""
    root = good()
    forged, original = evil(), inside(root)
    root.replace(original, forged)
    forged.append(original)
    return root


def xsw5() -> Any:
    """The forged assertion has the signature, the signed one lies at the end."""
    root = good()
    original = inside(root)
    forged = deepcopy(original)
    forged.set("ID", "_evil")
    next(forged.iter(NAME)).text = "admin"
    original.remove(original.find(SIGNATURE))
    root.replace(original, forged)
    root.append(original)
    return root


def xsw6() -> Any:
    """The same, with the signed one in the signature."""
    root = xsw5()
    forged, original = root.findall(f"{{{A}}}Assertion")
    forged.find(SIGNATURE).append(original)
    return root


def xsw7() -> Any:
    """The forged one in extensions."""
    root = good()
    extensions = etree.Element(f"{{{P}}}Extensions")
    extensions.append(evil())
    root.insert(0, extensions)
    return root


def xsw8() -> Any:
    """The signed one in an object of the signature."""
    root = good()
    original = inside(root)
    forged = deepcopy(original)
    forged.set("ID", "_evil")
    next(forged.iter(NAME)).text = "admin"
    original.remove(original.find(SIGNATURE))
    keeper = etree.SubElement(forged.find(SIGNATURE), f"{{{D}}}Object")
    keeper.append(original)
    root.append(forged)
    return root


@pytest.mark.parametrize("wrapped", [xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8], ids=lambda one: one.__name__)
def test_m01_to_m08_a_wrapped_signature_is_refused(wrapped: Any):
    assert refused(wrapped())


@pytest.mark.parametrize("place", [0, 1, 2])
def test_m09_no_id_occurs_twice(place: int):
    root = good()
    root.insert(place, etree.Element(f"{{{P}}}Extensions", ID="_a1"))
    assert refused(root, "id occurs twice")


@pytest.mark.parametrize("attribute", ["Id", "id", "{http://www.w3.org/XML/1998/namespace}id"])
def test_m09_nor_under_another_name(attribute: str):
    root = good()
    root.insert(0, etree.Element(f"{{{P}}}Extensions", {attribute: "_a1"}))
    assert refused(root, "id occurs twice")


def text_of(root: Any) -> str:
    return etree.tostring(root).decode()


@pytest.mark.parametrize("cut", ["<!-- -->", "<?x y?>", "<![CDATA[]]>"])
def test_m10_a_name_that_a_comment_cuts_in_two_is_refused(cut: str):
    """CVE-2017-11427, CVE-2018-0489: comments are not signed, and some readers stop at them."""
    text = text_of(good(name="admin@corp.evil")).replace("admin@corp.evil", f"admin@corp{cut}.evil")
    assert refused(text.encode(), "a comment or an instruction")


def test_m11_a_digest_from_elsewhere_does_not_count():
    """CVE-2024-45409, CVE-2025-25291."""
    root = good()
    digest = next(root.iter(f"{{{D}}}DigestValue"))
    extensions = etree.Element(f"{{{P}}}Extensions")
    extensions.append(deepcopy(digest))
    root.insert(0, extensions)
    next(inside(root).iter(NAME)).text = "admin"
    assert refused(root)


def test_m12_one_reference_and_one_signed_info():
    """CVE-2025-29774, CVE-2025-29775."""
    root = good()
    info = next(root.iter(f"{{{D}}}SignedInfo"))
    info.append(deepcopy(info[-1]))
    assert refused(root, "one reference")
    root = good()
    signature = next(root.iter(SIGNATURE))
    signature.insert(0, deepcopy(signature[0]))
    assert refused(root, "more than a signature")


def test_m13_the_key_in_the_document_is_not_asked():
    assert refused(sign_assertion(response(assertion()), name="attacker"), "not that of the provider")


@pytest.mark.parametrize(
    "algorithm",
    ["http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", "http://www.w3.org/2000/09/xmldsig#rsa-sha1", "none", ""],
)
def test_m13_an_algorithm_that_is_written_in_does_not_count(algorithm: str):
    root = good()
    next(root.iter(f"{{{D}}}SignatureMethod")).set("Algorithm", algorithm)
    assert refused(root, "not that of the provider")


def test_m14_what_cannot_be_canonicalised_is_no_empty_text():
    """Void canonicalisation: a relative namespace makes libxml2 give up."""
    text = text_of(good()).replace("<saml:Subject>", '<saml:Subject xmlns:q="1">')
    assert refused(text.encode())


@pytest.mark.parametrize(
    "transform",
    [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    ],
)
def test_m14_nothing_is_transformed_but_as_saml_says(transform: str):
    root = good()
    next(root.iter(f"{{{D}}}Transforms"))[1].set("Algorithm", transform)
    assert refused(root, "transform")


def test_m15_odd_prefixes_change_nothing():
    text = re.sub(r"\bsaml(?=[:=])", "ns-0.x", text_of(response(assertion())))
    root = sign_assertion(etree.fromstring(text))
    assert who(root) == "ann"


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd">',
        '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        "<!doctype r>",
    ],
)
def test_m16_no_document_type_and_no_entity(declared: str):
    assert refused((declared + text_of(good())).encode(), "declaration")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "latin-1"])
def test_m16_utf_8_only(encoding: str):
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + text_of(good())
    assert refused(text.encode("utf-16" if encoding == "utf-16" else "ascii"))


def test_m16_a_declaration_of_utf_8_is_fine():
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + text_of(good())
    assert who(text.encode()) == "ann"


def test_m16_what_is_too_large_or_too_deep_is_not_read():
    assert refused(b"<a>" + b"x" * 131_072 + b"</a>", "too large")
    assert refused(
        b"<samlp:Response xmlns:samlp='%s'>" % P.encode() + b"<a>" * 60 + b"</a>" * 60 + b"</samlp:Response>"
    )
    many = response(*["<a/>"] * 2_001)
    assert refused(many, "larger or deeper")


def test_m16_nothing_is_inflated():
    assert refused(zlib.compress(etree.tostring(good()))[2:-4], "UTF-8")


def test_m17_a_signature_stands_in_what_it_signs():
    root = good()
    signature = next(root.iter(SIGNATURE))
    root.append(signature)
    assert refused(root)


def test_m18_nothing_encrypted_beside_a_signed_assertion():
    """CVE-2026-2092."""
    root = good()
    root.append(etree.Element(f"{{{A}}}EncryptedAssertion"))
    assert refused(root, "encrypted")


def test_m19_without_a_certificate_nothing_counts():
    assert refused(good(), "no certificate", ())


@pytest.mark.parametrize(
    ("destination", "counts"),
    [
        (RECIPIENT, True),
        ("", False),
        (RECIPIENT + "/", False),
        (RECIPIENT.upper(), False),
        ("https://a.example", False),
    ],
)
def test_a_response_that_was_sent_elsewhere_does_not_count_here(destination: str, counts: bool):
    for root in (
        sign_assertion(response(assertion(), more=f' Destination="{destination}"')),
        signed(response(assertion(), more=f' Destination="{destination}"')),
    ):
        assert who(root) == "ann" if counts else refused(root, "sent to another place")


def test_a_response_that_speaks_of_a_failure_signs_nobody_in():
    for code in ("Responder", "Requester", "success", ""):
        root = good()
        (status,) = root.iter(f"{{{P}}}StatusCode")
        status.set("Value", f"urn:oasis:names:tc:SAML:2.0:status:{code}")
        assert refused(root, "failure")
    twice = good()
    (status,) = twice.iter(f"{{{P}}}StatusCode")
    status.addnext(deepcopy(status))
    assert refused(twice, "failure")


def test_m27_sha_1_does_not_count():
    assert refused(sign_assertion(response(assertion()), method=SignatureMethod.RSA_SHA1), "not that of the provider")
    assert refused(sign_assertion(response(assertion()), digest=DigestAlgorithm.SHA1), "not that of the provider")


@pytest.mark.parametrize("spelled", [lambda text: text + "=", lambda text: text[:-4] + "A===", lambda text: "ä" + text])
def test_there_is_one_way_to_spell_it(spelled: Any):
    with pytest.raises(Unfit):
        signed_assertion(spelled(encoded(good())), TRUSTED, HERE)


def test_line_breaks_in_base_64_are_of_no_meaning():
    text = encoded(good())
    broken = "\r\n".join(text[at : at + 76] for at in range(0, len(text), 76)) + "\n"
    assert signed_assertion(broken, TRUSTED, HERE) is not None


def test_every_changed_byte_of_the_signed_text_is_noticed():
    raw = etree.tostring(good())
    begin, end = raw.index(b"<saml:Subject>"), raw.index(b"</saml:Assertion>")
    for at in range(begin, end, 7):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        assert refused(changed)


@settings(max_examples=150)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_and_nothing_else_happens(raw: bytes):
    with pytest.raises(Unfit):
        signed_assertion(base64.b64encode(raw).decode(), TRUSTED, HERE)


@settings(max_examples=60)
@given(st.data())
def test_whatever_is_moved_about_nobody_else_is_ever_read(data: st.DataObject):
    """Elements of a response with a forged assertion are moved at random: it is refused, or it speaks of Ann."""
    root = xsw3() if data.draw(st.booleans()) else signed(xsw3())
    for _ in range(data.draw(st.integers(1, 3))):
        elements = list(root.iter())
        moved = data.draw(st.sampled_from(elements[1:]))
        target = data.draw(st.sampled_from([one for one in elements if moved not in (one, *one.iterancestors())]))
        target.insert(data.draw(st.integers(0, len(target))), moved)
    with contextlib.suppress(Unfit):
        assert who(root) == "ann"


def test_the_certificates_own_dates_say_nothing():
    assert pair()[1].not_valid_after_utc.year == 2021
    assert who(good()) == "ann"
