"""What a password must be like: the account's own policy, or what every account asks (IAM User Guide, passwords)."""

from __future__ import annotations

from typing import Final

from authority.kernel.refusal import Reason, Refusal
from authority.model.account import Account
from authority.model.passwords import LoginProfile, PasswordPolicy

SYMBOLS: Final = frozenset("!@#$%^&*()_+-=[]{}|'")
SHORTEST: Final = 8
KINDS: Final = 3
"""How many of the four kinds of letters are in every password where the account has no policy."""


def password_refused(account: Account, password: str) -> Refusal | None:
    """Why *password* is none for a user of *account*, if it is none."""
    lacking = (
        _default(account, password) if account.password_policy is None else _lacking(account.password_policy, password)
    )
    return None if not lacking else Refusal(Reason.PASSWORD_POLICY_VIOLATION, lacking)


def _kinds(password: str) -> dict[str, bool]:
    """The kinds of letters, and whether *password* has one.  Only ASCII counts, as in AWS's own lists."""
    return {
        "uppercase letter": any("A" <= letter <= "Z" for letter in password),
        "lowercase letter": any("a" <= letter <= "z" for letter in password),
        "number": any("0" <= letter <= "9" for letter in password),
        "symbol": any(letter in SYMBOLS for letter in password),
    }


def _lacking(policy: PasswordPolicy, password: str) -> str:
    if len(password) < policy.minimum_length:
        return f"Password should have a minimum length of {policy.minimum_length}"
    required = {
        "uppercase letter": policy.require_uppercase,
        "lowercase letter": policy.require_lowercase,
        "number": policy.require_numbers,
        "symbol": policy.require_symbols,
    }
    for kind, there in _kinds(password).items():
        if required[kind] and not there:
            return f"Password should have at least one {kind}"
    return ""


def _default(account: Account, password: str) -> str:
    if len(password) < SHORTEST:
        return f"Password should have a minimum length of {SHORTEST}"
    if sum(_kinds(password).values()) < KINDS:
        return "Password should have at least three of: uppercase letter, lowercase letter, number, symbol"
    if password.lower() in {account.name.lower(), account.email.lower()}:
        return "Password should not be the name or email address of the account"
    return ""


def remembered(account: Account, profile: LoginProfile) -> tuple[str, ...]:
    """The passwords that may not come back, by id, the present one first (PasswordReusePrevention)."""
    return (profile.password_id, *profile.earlier)[: reuse_prevention(account)]


def reuse_prevention(account: Account) -> int:
    """How many passwords may not come back, the present one among them."""
    return 0 if account.password_policy is None else account.password_policy.reuse_prevention


def earlier_kept(account: Account, profile: LoginProfile) -> tuple[str, ...]:
    """The passwords whose hashes stay once the present one is replaced: with the new one, those that may not return."""
    return remembered(account, profile)[: max(reuse_prevention(account) - 1, 0)]
