"""Identity providers, and an account's own issuer."""

from __future__ import annotations

from tests.federation.documents import certificate, descriptor, key, metadata
from tests.iam.table import A_DATE, A_TEXT, NOTHING, TAGS, WHOLE, Fails, Like, call, row

METADATA, NEWER = metadata(), metadata(descriptor(key(certificate(serial=2))))
SAML_ARN = "arn:aws:iam::{account}:saml-provider/Corp"
SAML = call("CreateSAMLProvider", Name="Corp", SAMLMetadataDocument=METADATA)
NO_SAML = Fails("NoSuchEntity", f"Manifest not found for arn {SAML_ARN}")
NOT_ONE = {"SAMLProviderArn": "arn:aws:iam::{account}:user/Ann-Who-Is-No-Provider"}
INVALID = Fails("InvalidInput", "Invalid ARN")
TWICE = [TAGS[0], TAGS[0]]

SHOWN_SAML = {"SAMLProviderUUID": A_TEXT, "SAMLMetadataDocument": METADATA, "CreateDate": A_DATE, "ValidUntil": A_DATE, "Tags": [], "AssertionEncryptionMode": "Allowed", "PrivateKeyList": []}  # fmt: skip
OF_SAML = {"SAMLProviderArn": SAML_ARN}

SAML_ROWS = [
    row("a provider is made of its metadata, which comes back to the letter", call("CreateSAMLProvider", Name="Corp", SAMLMetadataDocument=METADATA, Tags=TAGS), {"SAMLProviderArn": SAML_ARN, "Tags": TAGS}, then=[(call("GetSAMLProvider", **OF_SAML), {**SHOWN_SAML, "Tags": TAGS}), (call("ListSAMLProviders"), {"SAMLProviderList": [{"Arn": SAML_ARN, "ValidUntil": A_DATE, "CreateDate": A_DATE}]}), (call("ListSAMLProviderTags", **OF_SAML), {"Tags": TAGS, **WHOLE})]),
    row("no two providers have one name", SAML, Fails("EntityAlreadyExists", "Provider with name Corp already exists."), given=[SAML]),
    row("what is no metadata makes no provider", call("CreateSAMLProvider", Name="Corp", SAMLMetadataDocument="<x/>" * 300), Fails("InvalidInput")),
    row("the account's providers are counted", call("CreateSAMLProvider", Name="B", SAMLMetadataDocument=METADATA), Fails("LimitExceeded", "SAMLProvidersPerAccount: 1"), given=[SAML], SAMLProvidersQuota=1),
    row("a provider that is not there is not shown", call("GetSAMLProvider", **OF_SAML), NO_SAML),
    row("what is no provider's ARN is told so", call("GetSAMLProvider", **NOT_ONE), INVALID),
    row("there may be no providers", call("ListSAMLProviders"), {"SAMLProviderList": []}),
    row("new metadata takes the place of the old", call("UpdateSAMLProvider", **OF_SAML, SAMLMetadataDocument=NEWER), {"SAMLProviderArn": SAML_ARN}, given=[SAML], then=[(call("GetSAMLProvider", **OF_SAML), {**SHOWN_SAML, "SAMLMetadataDocument": NEWER})]),
    row("what is no metadata does not", call("UpdateSAMLProvider", **OF_SAML, SAMLMetadataDocument="<x/>" * 300), Fails("InvalidInput"), given=[SAML]),
    row("a provider that is not there is not changed", call("UpdateSAMLProvider", **OF_SAML, SAMLMetadataDocument=NEWER), NO_SAML),
    row("a provider is deleted", call("DeleteSAMLProvider", **OF_SAML), given=[SAML], then=[(call("GetSAMLProvider", **OF_SAML), NO_SAML)]),
    row("a provider that is not there is not deleted", call("DeleteSAMLProvider", **OF_SAML), NO_SAML),
    row("what is no provider is not deleted", call("DeleteSAMLProvider", **NOT_ONE), INVALID),
    row("case counts in the tags of a provider", call("TagSAMLProvider", **OF_SAML, Tags=[{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]), given=[SAML], then=[(call("ListSAMLProviderTags", **OF_SAML), {"Tags": [{"Key": "A", "Value": "2"}, {"Key": "a", "Value": "1"}], **WHOLE})]),
    row("a provider's tags are counted", call("TagSAMLProvider", **OF_SAML, Tags=TAGS), Fails("LimitExceeded"), given=[SAML], TagsPerEntityQuota=1),
    row("a provider has no two tags of one key", call("TagSAMLProvider", **OF_SAML, Tags=TWICE), Fails("InvalidInput", "Duplicate"), given=[SAML]),
    row("a provider that is not there is not tagged", call("TagSAMLProvider", **OF_SAML, Tags=TAGS), NO_SAML),
    row("tags are taken off a provider", call("UntagSAMLProvider", **OF_SAML, TagKeys=["Cost", "team"]), given=[SAML, call("TagSAMLProvider", **OF_SAML, Tags=TAGS)], then=[(call("ListSAMLProviderTags", **OF_SAML), {"Tags": TAGS[1:], **WHOLE})]),
    row("a provider that is not there has no tags to lose", call("UntagSAMLProvider", **OF_SAML, TagKeys=["a"]), NO_SAML),
    row("what is no provider has no tags to lose", call("UntagSAMLProvider", **NOT_ONE, TagKeys=["a"]), INVALID),
    row("a provider that is not there has no tags", call("ListSAMLProviderTags", **OF_SAML), NO_SAML),
    row("what is no provider has no tags", call("ListSAMLProviderTags", **NOT_ONE), INVALID),
]  # fmt: skip

URL = "https://idp.example.com/realm"
OIDC_ARN = "arn:aws:iam::{account}:oidc-provider/idp.example.com/realm"
PRINT, OTHER = "a" * 40, "B" * 40
OIDC = call("CreateOpenIDConnectProvider", Url=URL, ClientIDList=["app", "other"], ThumbprintList=[PRINT])
SHOWN_OIDC = {"Url": "idp.example.com/realm", "ClientIDList": ["app", "other"], "ThumbprintList": [PRINT], "CreateDate": A_DATE, "Tags": []}  # fmt: skip
OF_OIDC = {"OpenIDConnectProviderArn": OIDC_ARN}
NO_OIDC = Fails("NoSuchEntity", f"OpenIDConnect Provider not found for arn {OIDC_ARN}")
NOT_ONE_EITHER = {"OpenIDConnectProviderArn": "arn:aws:iam::{account}:user/Ann-Who-Is-No-Provider"}

OIDC_ROWS = [
    row("an issuer is trusted as it was said", call("CreateOpenIDConnectProvider", Url=URL, ClientIDList=["app", "other"], ThumbprintList=[PRINT], Tags=TAGS), {**OF_OIDC, "Tags": TAGS}, then=[(call("GetOpenIDConnectProvider", **OF_OIDC), {**SHOWN_OIDC, "Tags": TAGS}), (call("ListOpenIDConnectProviders"), {"OpenIDConnectProviderList": [{"Arn": OIDC_ARN}]}), (call("ListOpenIDConnectProviderTags", **OF_OIDC), {"Tags": TAGS, **WHOLE})]),
    row("an issuer is trusted once", OIDC, Fails("EntityAlreadyExists", f"Provider with url {URL} already exists."), given=[OIDC]),
    row("an issuer is asked for by https", call("CreateOpenIDConnectProvider", Url="http://idp.example.com"), Fails("ValidationError", "Invalid Open ID Connect Provider URL")),
    row("the account's issuers are counted", call("CreateOpenIDConnectProvider", Url="https://b.example.com"), Fails("LimitExceeded", "OpenIdConnectProvidersPerAccount: 1"), given=[OIDC], OIDCProvidersQuota=1),
    row("an issuer's servers have five certificates at most", call("CreateOpenIDConnectProvider", Url=URL, ThumbprintList=[f"{number:040d}" for number in range(6)]), Fails("InvalidInput")),
    row("an issuer that is not trusted is not shown", call("GetOpenIDConnectProvider", **OF_OIDC), NO_OIDC),
    row("what is no issuer's ARN is told so", call("GetOpenIDConnectProvider", **NOT_ONE_EITHER), INVALID),
    row("nobody need be trusted", call("ListOpenIDConnectProviders"), {"OpenIDConnectProviderList": []}),
    row("thumbprints are replaced", call("UpdateOpenIDConnectProviderThumbprint", **OF_OIDC, ThumbprintList=[OTHER]), given=[OIDC], then=[(call("GetOpenIDConnectProvider", **OF_OIDC), {**SHOWN_OIDC, "ThumbprintList": [OTHER]})]),
    row("what is no thumbprint replaces none", call("UpdateOpenIDConnectProviderThumbprint", **OF_OIDC, ThumbprintList=["x" * 40]), Fails("InvalidInput"), given=[OIDC]),
    row("an issuer that is not trusted has no thumbprints", call("UpdateOpenIDConnectProviderThumbprint", **OF_OIDC, ThumbprintList=[OTHER]), NO_OIDC),
    row("a client is added once", call("AddClientIDToOpenIDConnectProvider", **OF_OIDC, ClientID="new"), given=[OIDC, call("AddClientIDToOpenIDConnectProvider", **OF_OIDC, ClientID="new")], then=[(call("GetOpenIDConnectProvider", **OF_OIDC), {**SHOWN_OIDC, "ClientIDList": ["app", "other", "new"]})]),
    row("an issuer has a hundred clients at most", call("AddClientIDToOpenIDConnectProvider", **OF_OIDC, ClientID="new"), Fails("LimitExceeded", "ClientIdsPerOpenIdConnectProvider: 100"), given=[call("CreateOpenIDConnectProvider", Url=URL, ClientIDList=[str(number) for number in range(100)])]),
    row("an issuer that is not trusted has no clients", call("AddClientIDToOpenIDConnectProvider", **OF_OIDC, ClientID="new"), NO_OIDC),
    row("what is no issuer has no clients", call("AddClientIDToOpenIDConnectProvider", **NOT_ONE_EITHER, ClientID="new"), INVALID),
    row("a client is removed, and one that is not there does no harm", call("RemoveClientIDFromOpenIDConnectProvider", **OF_OIDC, ClientID="app"), given=[OIDC, call("RemoveClientIDFromOpenIDConnectProvider", **OF_OIDC, ClientID="nobody")], then=[(call("GetOpenIDConnectProvider", **OF_OIDC), {**SHOWN_OIDC, "ClientIDList": ["other"]})]),
    row("an issuer that is not trusted loses no clients", call("RemoveClientIDFromOpenIDConnectProvider", **OF_OIDC, ClientID="app"), NO_OIDC),
    row("what is no issuer loses no clients", call("RemoveClientIDFromOpenIDConnectProvider", **NOT_ONE_EITHER, ClientID="app"), INVALID),
    row("an issuer is trusted no more", call("DeleteOpenIDConnectProvider", **OF_OIDC), given=[OIDC], then=[(call("GetOpenIDConnectProvider", **OF_OIDC), NO_OIDC), (call("DeleteOpenIDConnectProvider", **OF_OIDC), NOTHING)]),
    row("what is no issuer is not deleted", call("DeleteOpenIDConnectProvider", **NOT_ONE_EITHER), INVALID),
    row("an issuer is tagged", call("TagOpenIDConnectProvider", **OF_OIDC, Tags=TAGS), given=[OIDC], then=[(call("ListOpenIDConnectProviderTags", **OF_OIDC), {"Tags": TAGS, **WHOLE})]),
    row("an issuer's tags are counted", call("TagOpenIDConnectProvider", **OF_OIDC, Tags=TAGS), Fails("LimitExceeded"), given=[OIDC], TagsPerEntityQuota=1),
    row("an issuer has no two tags of one key", call("TagOpenIDConnectProvider", **OF_OIDC, Tags=TWICE), Fails("InvalidInput", "Duplicate"), given=[OIDC]),
    row("an issuer that is not trusted is not tagged", call("TagOpenIDConnectProvider", **OF_OIDC, Tags=TAGS), NO_OIDC),
    row("tags are taken off an issuer", call("UntagOpenIDConnectProvider", **OF_OIDC, TagKeys=["Cost", "team"]), given=[OIDC, call("TagOpenIDConnectProvider", **OF_OIDC, Tags=TAGS)], then=[(call("ListOpenIDConnectProviderTags", **OF_OIDC), {"Tags": TAGS[1:], **WHOLE})]),
    row("an issuer that is not trusted has no tags to lose", call("UntagOpenIDConnectProvider", **OF_OIDC, TagKeys=["a"]), NO_OIDC),
    row("what is no issuer has no tags to lose", call("UntagOpenIDConnectProvider", **NOT_ONE_EITHER, TagKeys=["a"]), INVALID),
    row("an issuer that is not trusted has no tags", call("ListOpenIDConnectProviderTags", **OF_OIDC), NO_OIDC),
    row("what is no issuer has no tags", call("ListOpenIDConnectProviderTags", **NOT_ONE_EITHER), INVALID),
]  # fmt: skip

ISSUER = Like("the issuer of the account", lambda value: "/outbound/" in value)
ENABLE = call("EnableOutboundWebIdentityFederation").keeping(issuer="IssuerIdentifier")
OFF = Fails("FeatureDisabled", "Outbound web identity federation is not enabled for this account.")
OUTBOUND_ROWS = [
    row("an account gets an issuer of its own", ENABLE, {"IssuerIdentifier": ISSUER}, then=[(call("GetOutboundWebIdentityFederationInfo"), {"IssuerIdentifier": "{issuer}", "JwtVendingEnabled": True})]),
    row("it is enabled once", ENABLE, Fails("FeatureEnabled"), given=[ENABLE]),
    row("it is disabled, and enabled again it is the same", call("DisableOutboundWebIdentityFederation"), given=[ENABLE], then=[(call("GetOutboundWebIdentityFederationInfo"), OFF), (call("EnableOutboundWebIdentityFederation"), {"IssuerIdentifier": "{issuer}"})]),
    row("what is not enabled is not disabled", call("DisableOutboundWebIdentityFederation"), OFF),
    row("what is not enabled is not shown", call("GetOutboundWebIdentityFederationInfo"), OFF),
    row("tokens are got where it is enabled", call("GetWebIdentityToken", Audience=["https://a.example"], SigningAlgorithm="RS256"), {"WebIdentityToken": A_TEXT, "Expiration": A_DATE}, given=[ENABLE]),
    row("no tokens are got where it is not", call("GetWebIdentityToken", Audience=["https://a.example"], SigningAlgorithm="RS256"), Fails("OutboundWebIdentityFederationDisabledException")),
]  # fmt: skip

ROWS = [*SAML_ROWS, *OIDC_ROWS, *OUTBOUND_ROWS]
