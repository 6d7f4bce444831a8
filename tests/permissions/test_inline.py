"""Inline policies: what was written comes back, what does not fit is refused in AWS's words, for all three holders."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest

from authority.kernel.refusal import Reason
from authority.model import holders
from authority.permissions import inline
from tests.permissions.asking import APP, BEN, ROOT, TEAM, World, denied, document, may, refused, sized

HOLDERS = [
    pytest.param("User", "Ben", BEN, f"{ROOT}user/staff/Ben", id="user"),
    pytest.param("Group", "Team", TEAM, f"{ROOT}group/Team", id="group"),
    pytest.param("Role", "App", APP, f"{ROOT}role/team/App", id="role"),
]
kinds = pytest.mark.parametrize(("word", "name", "holder", "arn"), HOLDERS)


def actions(word: str):
    lower = word.lower()
    return (
        getattr(inline, f"put_{lower}_policy"),
        getattr(inline, f"get_{lower}_policy"),
        getattr(inline, f"delete_{lower}_policy"),
        getattr(inline, f"list_{lower}_policies"),
    )


@kinds
def test_what_was_put_comes_back_as_it_was_written_until_it_is_deleted(word, name, holder, arn):
    put, get, delete, names = actions(word)
    world, text = World(), document(resource="arn:aws:s3:::a%3Ab/ü*").replace(",", ",\n\t")
    whose = {f"{word}Name": name}
    assert world.ask(put, **whose, PolicyName="p", PolicyDocument=text) is None
    answer = world.ask(get, **whose, PolicyName="p")
    assert answer.keys() == {f"{word}Name", "PolicyName", "PolicyDocument"}
    assert (answer[f"{word}Name"], answer["PolicyName"]) == (name, "p")
    assert unquote(answer["PolicyDocument"]) == text
    assert "%253A" in answer["PolicyDocument"]
    assert world.ask(names, **whose) == {"PolicyNames": ["p"], "IsTruncated": False, "Marker": None}
    assert world.ask(delete, **whose, PolicyName="p") is None
    gone = refused(Reason.NO_SUCH_ENTITY, f"The {word.lower()} policy with name p cannot be found.")
    assert world.ask(get, **whose, PolicyName="p") == gone
    assert world.ask(delete, **whose, PolicyName="p") == gone
    assert world.ask(names, **whose)["PolicyNames"] == []


@kinds
def test_a_policy_put_again_replaces_the_old_one_and_names_keep_their_case(word, name, holder, arn):
    put, get, _, names = actions(word)
    world, whose = World(), {f"{word}Name": name.upper()}
    for policy, action in (("p", "sqs:ListQueues"), ("P", "sqs:SendMessage"), ("p", "sqs:DeleteQueue")):
        assert world.ask(put, **whose, PolicyName=policy, PolicyDocument=document(action=action)) is None
    assert world.ask(names, **whose)["PolicyNames"] == ["P", "p"]
    answer = world.ask(get, **whose, PolicyName="p")
    assert json.loads(unquote(answer["PolicyDocument"]))["Statement"][0]["Action"] == "sqs:DeleteQueue"
    assert answer[f"{word}Name"] == name


@kinds
def test_nobody_of_that_name(word, name, holder, arn):
    put, get, delete, names = actions(word)
    gone = refused(Reason.NO_SUCH_ENTITY, f"The {word.lower()} with name Nobody cannot be found.")
    whose = {f"{word}Name": "Nobody"}
    assert World().ask(put, **whose, PolicyName="p", PolicyDocument=document()) == gone
    assert World().ask(get, **whose, PolicyName="p") == gone
    assert World().ask(delete, **whose, PolicyName="p") == gone
    assert World().ask(names, **whose) == gone


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{", "Syntax errors in policy.", id="no JSON"),
        pytest.param(document(Principal="*"), "Policy document should not specify a principal.", id="with a principal"),
    ],
)
@kinds
def test_a_document_that_does_not_keep_to_the_grammar_is_refused(word, name, holder, arn, text, message):
    put = actions(word)[0]
    answer = World().ask(put, **{f"{word}Name": name}, PolicyName="p", PolicyDocument=text)
    assert answer == refused(Reason.MALFORMED_POLICY_DOCUMENT, message)


@pytest.mark.parametrize(
    ("word", "name", "most"), [("User", "Ben", 2048), ("Group", "Team", 5120), ("Role", "App", 10240)]
)
def test_all_of_a_holder_s_policies_together_keep_to_the_quota_white_space_aside(word, name, most):
    put, whose, world = actions(word)[0], {f"{word}Name": name}, World()
    assert world.ask(put, **whose, PolicyName="a", PolicyDocument=sized(1000)) is None
    assert world.ask(put, **whose, PolicyName="b", PolicyDocument=sized(most - 1000)) is None
    full = refused(Reason.LIMIT_EXCEEDED, f"Maximum policy size of {most} bytes exceeded for {word.lower()} {name}")
    assert world.ask(put, **whose, PolicyName="c", PolicyDocument=sized(200)) == full
    assert world.ask(put, **whose, PolicyName="b", PolicyDocument=sized(most - 999)) == full
    assert world.ask(put, **whose, PolicyName="a", PolicyDocument=sized(999)) is None
    assert world.ask(put, **whose, PolicyName="b", PolicyDocument=sized(most - 999)) is None


@kinds
def test_the_names_come_in_pages(word, name, holder, arn):
    put, _, _, names = actions(word)
    world, whose = World(), {f"{word}Name": name}
    for policy in "cab":
        world.ask(put, **whose, PolicyName=policy, PolicyDocument=document())
    first = world.ask(names, **whose, MaxItems=2)
    assert (first["PolicyNames"], first["IsTruncated"]) == (["a", "b"], True)
    assert world.ask(names, **whose, Marker=first["Marker"])["PolicyNames"] == ["c"]
    assert world.ask(names, **whose, Marker="nonsense").reason is Reason.VALIDATION_ERROR


@kinds
def test_each_operation_is_authorised_by_its_name_on_the_holder_s_arn(word, name, holder, arn):
    put, get, delete, names = actions(word)
    asked = {
        put: {"PolicyName": "p", "PolicyDocument": document()},
        get: {"PolicyName": "p"},
        names: {},
        delete: {"PolicyName": "p"},
    }
    for action, wanted in asked.items():
        allowed = World(
            may(BEN, action.name, arn),
            holders.InlinePolicyPut(account="111122223333", holder=holder, name="p", document=document()),
        )
        elsewhere = World(may(BEN, action.name, f"{arn}2"))
        assert not denied(allowed.as_ben(action, **{f"{word}Name": name}, **wanted))
        assert denied(elsewhere.as_ben(action, **{f"{word}Name": name}, **wanted))
        assert allowed.decide(action, **{f"{word}Name": name}, **wanted).subject == arn


def test_who_may_only_touch_what_carries_a_tag():
    only = {"StringEquals": {"iam:ResourceTag/team": "a"}}
    world = World(may(BEN, "iam:PutUserPolicy", Condition=only))
    wanted = {"PolicyName": "p", "PolicyDocument": document()}
    assert world.as_ben(inline.put_user_policy, UserName="Mia", **wanted) is None
    assert denied(world.as_ben(inline.put_user_policy, UserName="Ben", **wanted))
