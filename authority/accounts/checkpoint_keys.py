"""The keys that sign checkpoints: how one is made, and that it is changed for another."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import msgspec

from authority.access.action import Decision, Facts, NewSecret, action
from authority.access.call import Call
from authority.accounts.log import log_arn
from authority.accounts.naming import outsider
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.ledger.note import SEED_BYTES, Signer
from authority.model.checkpoints import KIND, PURPOSE, CheckpointKeyCreated, CheckpointKeyId
from authority.model.state import State

NO_KEY: Final = Refusal(Reason.CONCURRENT_MODIFICATION, "No key signs checkpoints yet; try again in a moment.")
TURNING: Final = Refusal(
    Reason.CONCURRENT_MODIFICATION, "A new key takes over already; try again when the next checkpoint was signed."
)


class RotateCheckpointKey(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Nothing needs to be said."""


class CheckpointKeyRotated(msgspec.Struct, frozen=True, rename="camel"):
    """The new key: its id, and its public half as others verify with it (C2SP signed-note, verifier key)."""

    key_id: str
    verifier_key: str


def origin_of(public_url: str, ledger_id: str) -> str:
    """What a log is called in its checkpoints: a URL without its scheme (C2SP tlog-checkpoint)."""
    where = urlsplit(public_url)
    return f"{where.netloc}{where.path}/log/{ledger_id}"


def new_checkpoint_key(origin: str, facts: Facts) -> tuple[CheckpointKeyCreated, NewSecret]:
    """A new key for the log *origin*, and its private half for the vault."""
    key_id = CheckpointKeyId(facts.new_id(KIND))
    seed = Secret(facts.draw(SEED_BYTES))
    verifier = Signer(origin, seed.reveal()).verifier  # revealed to the library that signs
    return CheckpointKeyCreated(key_id=key_id, origin=origin, verifier=str(verifier)), NewSecret(key_id, PURPOSE, seed)


@action("authority:RotateCheckpointKey", resource=log_arn)
def rotate_checkpoint_key(state: State, call: Call[RotateCheckpointKey], facts: Facts) -> Decision:
    """Have a new key sign the checkpoints.

    The next one is signed with both, and then the old private key is destroyed: whoever trusts the old key finds the
    new one in the log, under a checkpoint that he can verify.
    """
    signing = state.signers_of_checkpoints()
    refusal = outsider(state, call) or (NO_KEY if not signing else TURNING if len(signing) > 1 else None)
    if refusal is not None:
        return Decision(answer=refusal)
    made, secret = new_checkpoint_key(signing[-1].origin, facts)
    return Decision(
        facts=(made,),
        secrets=(secret,),
        subject=made.key_id,
        answer=CheckpointKeyRotated(key_id=made.key_id, verifier_key=made.verifier),
    )
