"""What decisions need from outside, brought and verified before they are made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, TypeAlias

from authority.access.caller import INVALID_TOKEN, account_of, owner_of
from authority.access.mfa import Compared, device_by_serial
from authority.audit.answers import Sessions
from authority.audit.lending import CountLent, Lent
from authority.audit.queries import FindSessions, OneEvent
from authority.credentials import DECOY, Keyring, signer_in_use
from authority.identity_pools.open_id_tokens import ALGORITHM as POOL_TOKENS
from authority.kernel.arn import parse
from authority.kernel.ids import AccountId
from authority.kernel.passwords import PasswordHasher
from authority.kernel.refusal import Refusal
from authority.kernel.secret import Secret
from authority.kernel.signing import IssuerKeys
from authority.model.mfa import PURPOSE as SEEDS
from authority.model.mfa import MfaDevice
from authority.model.passwords import PURPOSE as PASSWORDS
from authority.model.signing_keys import ALGORITHMS
from authority.model.state import State
from authority.permissions.last_accessed import Job, job_of
from authority.pipeline import Answer, Gather, Gathering
from authority.principals.login_profiles import ChangePassword, Changing, Hashed, compared_with
from authority.principals.mfa import held_code, held_pair
from authority.replay.folding import Version
from authority.resources.delegation import Gathered, Judged, Presented, proofs_of
from authority.sessions.assume_role import Brought, limit_for
from authority.sessions.revocation import Known
from authority.sessions.web_identity_token import Signer, issuing
from authority.wire.sigv4 import Unproven, verify_delegated

Grown: TypeAlias = Callable[[int], Awaitable[Version]]
"""The newest version, once the log is longer than up to a position."""
KEYS_ARE_MADE: Final = 30.0
"""Seconds within which there are keys where somebody has just begun to issue tokens."""


def gatherers(
    keyring: Keyring, regions: frozenset[str], hasher: PasswordHasher, answer: Answer
) -> Mapping[str, Gather]:
    """By the action that needs it."""

    async def delegated(gathering: Gathering) -> Gathered:
        """Verify what a resource server passes on of its clients' signatures."""
        return tuple(
            [
                shown if isinstance(shown, Refusal) else await _judged(keyring, regions, gathering, shown)
                for shown in proofs_of(gathering.input)
            ]
        )

    async def one_code(gathering: Gathering) -> Compared | None:
        """Hold a one-time code against the seed of the caller's device (STS API, SerialNumber, TokenCode)."""
        device = _device(gathering)
        if device is None or device.owner != owner_of(gathering.version.state, gathering.credential):
            return None
        seed = await keyring.sealed(device.id, SEEDS)
        return None if seed is None else held_code(device, seed, gathering.input.token_code, gathering.now)

    def role(gathering: Gathering) -> Awaitable[Brought] | None:
        """Hold the code against its device, and count the sessions where the role's account limits them."""
        question = _limited(gathering)
        return brought(gathering, question) if gathering.input.serial_number or question is not None else None

    async def brought(gathering: Gathering, question: CountLent | None) -> Brought:
        code = await one_code(gathering)
        lent = None if question is None else await answer(question, gathering.version.position)
        return Brought(code, lent if isinstance(lent, Lent) else None)

    async def two_codes(gathering: Gathering) -> Compared | None:
        """Hold two codes in a row against the seed of the device that is named (IAM API, EnableMFADevice)."""
        device, given = _device(gathering), gathering.input
        seed = None if device is None else await keyring.sealed(device.id, SEEDS)
        if device is None or seed is None:
            return None
        return held_pair(device, seed, given.authentication_code1, given.authentication_code2, gathering.now)

    async def new_password(gathering: Gathering) -> Hashed | None:
        """Hash a password that somebody is given (IAM API, CreateLoginProfile, UpdateLoginProfile)."""
        password = gathering.input.password
        return Hashed(await hasher.hashed(password)) if password else None

    async def own_password(gathering: Gathering) -> Changing | None:
        """Hold the old password against the one in force, and the new one against those that may not come back."""
        return await _changing(keyring, hasher, gathering)

    async def session(gathering: Gathering) -> Known | None:
        """Find the session that is named, among those of the caller's account."""
        account = account_of(gathering.version.state, gathering.credential)
        if account is None:
            return None
        question = FindSessions(account=account, session=gathering.input.id, now=gathering.now, max_results=1)
        found = await answer(question, gathering.version.position)
        if not isinstance(found, Sessions) or not found.sessions:
            return None
        one = found.sessions[0]
        return Known(access_key_id=one.access_key_id, account=one.account, ended=one.ended_at is not None)

    async def report(gathering: Gathering) -> Job | None:
        """Find the entry that asked for the report that is read (IAM API, JobId)."""
        account = account_of(gathering.version.state, gathering.credential)
        if account is None:
            return None
        return job_of(await answer(OneEvent(id=gathering.input.job_id, account=account), gathering.version.position))

    return {
        "authority:BatchEvaluate": delegated,
        "authority:Evaluate": delegated,
        "authority:RevokeDescendants": session,
        "authority:RevokeSession": session,
        "iam:ChangePassword": own_password,
        "iam:CreateLoginProfile": new_password,
        "iam:EnableMFADevice": two_codes,
        "iam:GetServiceLastAccessedDetails": report,
        "iam:GetServiceLastAccessedDetailsWithEntities": report,
        "iam:ResyncMFADevice": two_codes,
        "iam:UpdateLoginProfile": new_password,
        "sts:AssumeRole": role,
        "sts:GetSessionToken": one_code,
    }


def signers(keyring: Keyring, keys: IssuerKeys, grown: Grown) -> Mapping[str, Gather]:
    """By the action that signs a token: the key in use, unsealed."""

    async def in_use(gathering: Gathering, algorithm: str) -> Signer | None:
        version = gathering.version
        with suppress(TimeoutError):
            async with asyncio.timeout(KEYS_ARE_MADE):
                while _being_made(version.state, algorithm):
                    version = await grown(version.position)
        return await signer_in_use(keyring, keys, version.state, algorithm, gathering.now)

    return {
        "cognito-identity:GetOpenIdTokenForDeveloperIdentity": lambda gathering: in_use(gathering, POOL_TOKENS),
        "sts:GetWebIdentityToken": lambda gathering: in_use(gathering, gathering.input.signing_algorithm),
    }


def _being_made(state: State, algorithm: str) -> bool:
    """Whether there is no key yet where somebody has just begun to issue tokens."""
    return issuing(state) and algorithm in ALGORITHMS and not state.signing_keys_for(algorithm)


def _device(gathering: Gathering) -> MfaDevice | None:
    """The device of the caller's account whose serial number the input gives.

    No other is looked for: how long it takes to read a seed would tell strangers which devices there are.
    """
    state = gathering.version.state
    found = device_by_serial(state, gathering.input.serial_number, gathering.partition)
    return None if found is None or found[0].id != account_of(state, gathering.credential) else found[1]


def _limited(gathering: Gathering) -> CountLent | None:
    """The question how many sessions the caller's account has of the roles of the account that is asked for one.

    None where there is no limit to them.  It is the same question for a role that is not there: how long it takes to
    answer would tell strangers which are.
    """
    state, named = gathering.version.state, parse(gathering.input.role_arn)
    lender = None if named is None else state.accounts.get(AccountId(named.account))
    account = account_of(state, gathering.credential)
    most = None if lender is None or account is None else limit_for(lender, account)
    if lender is None or account is None or most is None:
        return None
    return CountLent(account=lender.id, trusted=account, now=gathering.now, roles=tuple(lender.roles), most=most)


async def _changing(keyring: Keyring, hasher: PasswordHasher, gathering: Gathering) -> Changing | None:
    compared = compared_with(gathering.version.state, gathering.credential)
    if compared is None:
        return None
    present, former = compared
    kept = await keyring.sealed(present, PASSWORDS)
    if kept is None:
        return None
    given: ChangePassword = gathering.input
    if not await hasher.matches(kept, given.old_password):
        return Changing(Secret(b""), present, right=False)
    repeats = []
    for password_id in former:
        earlier = await keyring.sealed(password_id, PASSWORDS)
        if earlier is not None and await hasher.matches(earlier, given.new_password):
            repeats.append(password_id)
    return Changing(await hasher.hashed(given.new_password), present, right=True, repeats=tuple(repeats))


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
