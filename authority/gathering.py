"""What decisions need from outside, brought and verified before they are made."""

from __future__ import annotations

from collections.abc import Mapping

from authority.access.caller import INVALID_TOKEN
from authority.credentials import DECOY, Keyring
from authority.kernel.refusal import Refusal
from authority.pipeline import Gather, Gathering
from authority.resources.delegation import Gathered, Judged, Presented, proofs_of
from authority.wire.sigv4 import Unproven, verify_delegated


def gatherers(keyring: Keyring, regions: frozenset[str]) -> Mapping[str, Gather]:
    """By the action that needs it."""

    async def delegated(gathering: Gathering) -> Gathered:
        """Verify what a resource server passes on of its clients' signatures."""
        return tuple(
            [
                shown if isinstance(shown, Refusal) else await _judged(keyring, regions, gathering, shown)
                for shown in proofs_of(gathering.input)
            ]
        )

    return {"authority:Evaluate": delegated, "authority:BatchEvaluate": delegated}


async def _judged(
    keyring: Keyring, regions: frozenset[str], gathering: Gathering, shown: Presented
) -> Judged | Refusal:
    held = await keyring.find(gathering.version.state, shown.access_key_id, shown.session_token)
    try:
        signed_at = verify_delegated(
            shown.string_to_sign,
            shown.scope,
            shown.signature,
            DECOY if isinstance(held, Refusal) else held.secret,
            now=gathering.now,
            service=shown.service,
        )
    except Unproven as unproven:
        return INVALID_TOKEN if isinstance(held, Refusal) else unproven.refusal
    if isinstance(held, Refusal) or shown.region not in regions:
        return INVALID_TOKEN
    return Judged(held.credential, signed_at)
