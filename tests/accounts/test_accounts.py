"""Accounts are made by who may speak for the management account, and entered through a role that trusts it."""

from __future__ import annotations

import msgspec
import pytest

from authority.access.action import Decision, Facts
from authority.access.call import Call
from authority.access.caller import Caller, Credential, caller_of
from authority.accounts.accounts import (
    CreateAccount,
    GetAccount,
    ListAccounts,
    PutQuota,
    ReopenAccount,
    create_account,
    get_account,
    list_accounts,
    put_quota,
    reopen_account,
)
from authority.kernel.ids import AccessKeyId
from authority.kernel.refusal import Reason, Refusal
from authority.model import authority, principals
from authority.model.state import EMPTY, State, evolve
from authority.sessions.assume_role import AssumeRole, assume_role
from tests.access.test_action import OFFICE
from tests.accounts.world import ADMIN, CLERK_IS_THERE, CLERKS, FOUNDED, MANAGEMENT, MEMBER, may
from tests.model.test_state import AT


def after(*facts, given=FOUNDED.facts) -> State:
    return evolve(evolve(EMPTY, given, AT), facts, AT)


def asked(what, wanted, state: State, credential: Credential = ADMIN, seed: bytes = b"seed") -> Decision:
    caller = caller_of(state, credential, now=AT, partition="aws")
    assert isinstance(caller, Caller)
    return what.decide(state, Call(caller, wanted, OFFICE), Facts(AT, seed))


def made(*facts, **wanted) -> tuple[State, Decision]:
    state = after(*facts)
    decision = asked(create_account, msgspec.convert({"name": "Production", **wanted}, CreateAccount), state)
    assert not isinstance(decision.answer, Refusal), decision.answer
    return evolve(state, decision.facts, AT), decision


def reason(decision: Decision) -> Reason | None:
    return decision.answer.reason if isinstance(decision.answer, Refusal) else None


def test_an_authority_begins_with_an_account_and_an_administrator_who_may_do_everything():
    state = after()
    assert state.management_account == MANAGEMENT
    assert state.settings == authority.Settings("1", ("us-east-1",))
    assert len(state.ledger_id) == 32
    sealing_key = state.newest_sealing_key()
    assert sealing_key is not None
    caller = caller_of(state, ADMIN, now=AT, partition="aws")
    assert isinstance(caller, Caller)
    assert caller.principal.arn == f"arn:aws:iam::{MANAGEMENT}:user/admin"
    assert {(new.row, new.purpose) for new in FOUNDED.secrets} == {
        (sealing_key.id, authority.SEALING_KEY_PURPOSE),
        (ADMIN.access_key_id, principals.ACCESS_KEY_PURPOSE),
    }
    assert {len(new.secret.reveal()) for new in FOUNDED.secrets} == {32, 40}


def test_no_secret_is_in_a_fact():
    spelled = msgspec.json.encode(FOUNDED.facts)
    assert all(new.secret.reveal() not in spelled for new in FOUNDED.secrets)


def test_an_account_has_the_id_that_was_asked_for():
    state, decision = made(accountId=MEMBER, email="prod@example.com")
    account = state.accounts[MEMBER]
    assert (account.name, account.email, account.created_at) == ("Production", "prod@example.com", AT)
    assert decision.subject == f"arn:aws:authority::{MANAGEMENT}:account/{MEMBER}"
    assert decision.answer.administrator is None
    assert decision.secrets == ()


def test_without_an_id_it_gets_one_that_is_unused():
    state, decision = made()
    account = decision.answer.account.id
    assert len(account) == 12
    assert account.isdigit()
    again = asked(create_account, CreateAccount("Again"), state)
    # The same chance would lead to the same id: it is drawn again until it is free.
    assert again.answer.account.id not in {account, MANAGEMENT}


def test_an_administrator_can_use_the_account_at_once_and_its_secret_is_answered_and_sealed():
    state, decision = made(accountId=MEMBER, administrator="boss")
    given = decision.answer.administrator
    (sealed,) = decision.secrets
    assert (sealed.row, sealed.purpose, sealed.secret) == (
        given.access_key_id,
        principals.ACCESS_KEY_PURPOSE,
        given.secret_access_key,
    )
    assert given.secret_access_key.reveal().decode() not in repr(decision)
    caller = caller_of(state, Credential(given.access_key_id), now=AT, partition="aws")
    assert isinstance(caller, Caller)
    assert (caller.account, caller.principal.arn) == (MEMBER, given.user_arn)


def test_the_management_account_enters_a_new_account_through_its_role_and_nobody_else_does():
    state, decision = made(accountId=MEMBER)
    other = asked(create_account, CreateAccount("Other", administrator="boss"), state, seed=b"other")
    state = evolve(state, other.facts, AT)
    wanted = AssumeRole(decision.answer.access_role_arn, "visit")
    assert reason(asked(assume_role, wanted, state)) is None
    stranger = Credential(other.answer.administrator.access_key_id)
    assert reason(asked(assume_role, wanted, state, stranger)) is Reason.ACCESS_DENIED


def test_an_id_that_is_taken_is_refused():
    decision = asked(create_account, CreateAccount("Again", account_id=MANAGEMENT), after())
    assert decision.answer == Refusal(Reason.ENTITY_ALREADY_EXISTS, f"The account {MANAGEMENT} already exists.")


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        pytest.param(create_account, CreateAccount("Mine"), id="making one"),
        pytest.param(list_accounts, ListAccounts(), id="listing them"),
        pytest.param(get_account, GetAccount(MEMBER), id="describing one, even its own"),
    ],
)
def test_another_account_can_do_nothing_however_much_it_allows_itself(what, wanted):
    state, decision = made(accountId=MEMBER, administrator="boss")
    boss = Credential(decision.answer.administrator.access_key_id)
    root = principals.AccessKeyCreated(account=MEMBER, access_key_id=AccessKeyId("AKIAROOT"), owner=MEMBER)
    assert reason(asked(what, wanted, state, boss)) is Reason.ACCESS_DENIED
    rooted = Credential(root.access_key_id)
    assert reason(asked(what, wanted, evolve(state, [root], AT), rooted)) is Reason.ACCESS_DENIED


def test_where_no_account_manages_nobody_makes_accounts():
    headless = tuple(fact for fact in FOUNDED.facts if not isinstance(fact, authority.AuthorityInitialised))
    state = after(given=headless)
    asking = (
        (create_account, CreateAccount("x")),
        (get_account, GetAccount(MANAGEMENT)),
        (list_accounts, ListAccounts()),
        (reopen_account, ReopenAccount(MANAGEMENT)),
        (put_quota, PutQuota(MANAGEMENT, "UsersQuota")),
    )
    for what, wanted in asking:
        assert reason(asked(what, wanted, state)) is Reason.ACCESS_DENIED


ACCOUNT = f"arn:aws:authority::{MANAGEMENT}:account/"


@pytest.mark.parametrize(
    ("granted", "wanted", "allowed"),
    [
        pytest.param((), CreateAccount("x"), False, id="who may do nothing makes none"),
        pytest.param((may("authority:*", "*"),), CreateAccount("x"), True, id="who may do everything makes one"),
        pytest.param(
            (may("authority:CreateAccount", f"{ACCOUNT}1*"),),
            CreateAccount("x", account_id=MEMBER),
            True,
            id="who may make some ids makes one of them",
        ),
        pytest.param(
            (may("authority:CreateAccount", f"{ACCOUNT}2*"),),
            CreateAccount("x", account_id=MEMBER),
            False,
            id="and no other",
        ),
        pytest.param(
            (may("authority:CreateAccount", f"{ACCOUNT}1*"),),
            CreateAccount("x"),
            False,
            id="and none whose id is left to chance",
        ),
    ],
)
def test_a_principal_of_the_management_account_may_what_its_policies_say(granted, wanted, allowed):
    decision = asked(create_account, wanted, after(*CLERK_IS_THERE, *granted), CLERKS)
    assert (reason(decision) is None) is allowed


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 51},
        {"name": "line\n"},
        {"accountId": "1234"},
        {"accountId": "123456789012\n"},
        {"accountId": "١" * 12},
        {"email": "nobody"},
        {"email": "a@b@c.example"},
        {"administrator": "a/b"},
        {"administrator": "x" * 65},
        {"adminstrator": "typo"},
    ],
)
def test_what_an_account_cannot_be_called_is_refused(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "Production", **wrong}, CreateAccount)


def test_accounts_are_listed_in_pages():
    state, _ = made(accountId=MEMBER)
    first = asked(list_accounts, ListAccounts(max_results=1), state)
    assert first.then is not None
    shown = first.then(state)
    assert [account.id for account in shown.accounts] == [MEMBER]
    second = asked(list_accounts, ListAccounts(next_token=shown.next_token), state)
    assert second.then is not None
    assert [account.name for account in second.then(state).accounts] == ["Management"]
    forged = asked(list_accounts, ListAccounts(next_token="AAAA"), state)
    assert forged.then is not None
    assert isinstance(forged.then(state), Refusal)


def test_an_account_is_described_as_it_was_made():
    state, decision = made(accountId=MEMBER, email="prod@example.com")
    assert asked(get_account, GetAccount(MEMBER), state).answer.account == decision.answer.account
    assert reason(asked(get_account, GetAccount("000000000000"), state)) is Reason.NO_SUCH_ENTITY
