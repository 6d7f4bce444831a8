"""A resource server of the stories: it rebuilds what its client signed, and asks the authority about it."""

from __future__ import annotations

from typing import Any

from authority.kernel.secret import Secret
from authority.outbound.clock import SystemClock
from authority.wire.request import Received
from authority.wire.sigv4 import Credentials, Proof, sign, unverified_proof
from tests.live import REGION, Keys, Live


def asked_by(client: Keys, service: str, method: str = "GET", path: str = "/") -> Proof:
    """What arrives at a resource server from *client*, read as it stands."""
    credentials = Credentials(client.access_key_id, Secret(client.secret), client.token and Secret(client.token))
    url = f"http://{service}.production.test{path}"
    headers = sign(
        method, url, {}, b"", credentials=credentials, region=REGION, service=service, now=SystemClock().now()
    )
    raw = tuple((name.encode(), value.encode()) for name, value in headers.items())
    proof = unverified_proof(Received(method, path.encode(), raw, b"", "192.0.2.1"))
    assert isinstance(proof, Proof)
    return proof


def evaluated(live: Live, server: Keys, client: Keys, action: str, resource: str, **context: Any) -> dict[str, Any]:
    """What the authority tells *server* about *client*."""
    service = action.partition(":")[0]
    proof = asked_by(client, service)
    signed = {
        "accessKeyId": proof.access_key_id,
        "stringToSign": proof.string_to_sign.decode(),
        "credentialScope": f"{proof.date}/{proof.region}/{proof.service}/aws4_request",
        "signature": proof.signature,
    }
    if proof.session_token is not None:
        signed["sessionToken"] = proof.session_token
    question = {
        "subject": {"type": "aws", "id": proof.access_key_id, "properties": signed},
        "action": {"name": action},
        "resource": {"type": service, "id": resource},
        "context": context,
    }
    status, answer = live.ask("POST", "/access/v1/evaluation", server, body=question)
    assert status == 200, answer
    return answer
