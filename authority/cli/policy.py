"""`authority policy`: what is wrong with documents in files, and what they come to.  Asks no authority."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table

from authority.cli.asking import context_of, principal_of
from authority.cli.services import services
from authority.kernel import arn as arns
from authority.kernel.refusal import Refusal
from authority.model.quotas import DEFAULTS
from authority.policy import combine
from authority.policy.compiled import Layer, Policy, Source, compile_policy
from authority.policy.document import Document, Kind, parse, problems, size_of
from authority.policy.lint import lint, services_named

Command = TypeVar("Command", bound=Callable[..., Any])

QUOTAS: Final[Mapping[Kind, tuple[str, int]]] = {
    Kind.IDENTITY: ("a managed policy", DEFAULTS["PolicySizeQuota"]),
    Kind.BOUNDARY: ("a managed policy", DEFAULTS["PolicySizeQuota"]),
    Kind.TRUST: ("a trust policy", DEFAULTS["AssumeRolePolicySizeQuota"]),
    Kind.SESSION: ("a session policy", 2_048),
}
"""Sizes of documents where an account has no other quota (IAM and AWS STS quotas)."""

_ACTION: Final = re.compile(r"[^\s:*?]+:[^\s:*?]+")
_OUTPUT = click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)


class Unreadable(click.ClickException):
    """A file that says nothing that could be judged."""

    exit_code = 2


class Remark(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One line of `check`: an `error` keeps the document from being accepted."""

    level: str
    rule: str
    line: int
    column: int
    message: str
    why: str = ""


class Checked(msgspec.Struct, frozen=True, rename="camel"):
    """One document of `check`."""

    file: str
    kind: str
    remarks: tuple[Remark, ...]

    @property
    def faulty(self) -> bool:
        """Whether it would be refused."""
        return any(remark.level == "error" for remark in self.remarks)


@click.group()
def policy() -> None:
    """Policy documents in files: what is wrong with them, and what they come to."""


@policy.command()
@click.argument("files", nargs=-1, required=True, type=click.File("rb"), metavar="FILE...")
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), default="identity", show_default=True)
@click.option("--strict", is_flag=True, help="Warnings count like errors.")
@_OUTPUT
@click.pass_context
def check(context: click.Context, *, files: Sequence[BinaryIO], kind: str, strict: bool, output: str) -> None:
    """Say what is wrong with each FILE, with its line and column; `-` is standard input.

    Errors keep a document from being accepted.  Warnings are about statements that most likely do not do what they are
    meant to; with the extra `lint` installed, also about actions, condition keys and resources that do not exist.

    Exit status: 0 when every document would be accepted, 1 when one would not (with --strict: or has a warning), 2 when
    a file cannot be read.
    """
    found = [_checked(_name(file), _text(file), Kind(kind)) for file in files]
    looked_up = services(()) is not None
    if output == "json":
        _say({"documents": found, "servicesLookedUp": looked_up})
    else:
        _show_checked(found)
    if not looked_up:
        click.echo("Actions, keys and resources were not looked up: install authority[lint] for that.", err=True)
    warned = strict and any(remark.level == "warning" for each in found for remark in each.remarks)
    context.exit(1 if warned or any(each.faulty for each in found) else 0)


def _checked(file: str, text: str, kind: Kind) -> Checked:
    document = parse(text, kind)
    if isinstance(document, Refusal):
        faults = problems(text, kind)
        errors = (Remark("error", "grammar", each.line, each.column, each.message, each.why) for each in faults)
        return Checked(file, kind.value, tuple(errors))
    named = services(services_named(document))
    remarks = [
        Remark(each.level.value, each.rule, each.line, each.column, each.message) for each in lint(document, named)
    ]
    what, most = QUOTAS.get(kind, ("", len(text)))
    if (size := size_of(text)) > most:
        message = f"{size} characters without white space; {what} has at most {most} where nobody raised the quota"
        remarks.insert(0, Remark("warning", "size", 1, 1, message))
    return Checked(file, kind.value, tuple(remarks))


def _show_checked(found: Sequence[Checked]) -> None:
    for each in found:
        for remark in each.remarks:
            why = f" ({remark.why})" if remark.why else ""
            place = f"{each.file}:{remark.line}:{remark.column}"
            click.echo(f"{place}: {remark.level}: {remark.message}{why} [{remark.rule}]")
    faulty = sum(each.faulty for each in found)
    warnings = sum(remark.level == "warning" for each in found for remark in each.remarks)
    counted = "1 warning" if warnings == 1 else f"{warnings} warnings"
    click.echo(f"{len(found)} checked as {found[0].kind} policies: {faulty} refused, {counted}.")


def _layer(*names: str, help: str) -> Callable[[Command], Command]:  # noqa: A002 - click's own word
    return click.option(*names, multiple=True, type=click.File("rb"), metavar="FILE", help=help)


@policy.command()
@_layer("--identity", help="A policy of the user, its groups or the role; may be repeated, as may all of these.")
@_layer("--boundary", help="The permissions boundary.")
@_layer("--session", help="A session policy.")
@_layer("--resource-policy", "resource_policies", help="A policy of the resource.")
@click.option("--trust", type=click.File("rb"), metavar="FILE", help="The trust policy of the role in --resource.")
@_layer("--scp", help="A service control policy; each is a level of its own, the root's first.")
@_layer("--rcp", help="A resource control policy; each is a level of its own, the root's first.")
@click.option("--principal", required=True, help="Who asks: an ARN, an account, a service, an issuer or `anonymous`.")
@click.option("--issuer", default="", help="The ARN, with its path, of the role or user behind a session.")
@click.option("--action", required=True, help="What is asked for: s3:GetObject.")
@click.option("--resource", default="*", show_default=True, help="The ARN it is asked for.")
@click.option("--resource-account", default="", help="Who owns it, if the ARN does not say.")
@click.option("--context", "stated", multiple=True, metavar="KEY=VALUE", help="A condition key; a set if repeated.")
@_OUTPUT
@click.pass_context
def explain(
    context: click.Context,
    *,
    identity: Sequence[BinaryIO],
    boundary: Sequence[BinaryIO],
    session: Sequence[BinaryIO],
    resource_policies: Sequence[BinaryIO],
    trust: BinaryIO | None,
    scp: Sequence[BinaryIO],
    rcp: Sequence[BinaryIO],
    principal: str,
    issuer: str,
    action: str,
    resource: str,
    resource_account: str,
    stated: Sequence[str],
    output: str,
) -> None:
    """Decide one request by the policies in files, and say which statements determined the answer.

    Users and roles in the policies are compared by name.  Of the condition keys only those are there that --principal
    or --context says; keys that were read and not there are listed.

    Exit status: 0 when the request is allowed, 1 when it is not, 2 when it cannot be asked.
    """
    if trust is not None and resource_policies:
        raise click.UsageError("--trust and --resource-policy exclude each other: a role has a trust policy alone")
    if _ACTION.fullmatch(action) is None:
        # The engine would answer, and nothing but `*` could allow it.
        raise click.BadParameter(f"`{action}` is not one action of a service: s3:GetObject is", param_hint="--action")
    who = principal_of(principal, issuer)
    named = arns.parse(resource)
    question = combine.Question(
        principal=who,
        action=action,
        resource=resource,
        resource_account=resource_account or (named.account if named is not None else "") or who.account,
        context=context_of(who, stated),
        identity=_policies("identity", Kind.IDENTITY, identity),
        boundary=_policies("boundary", Kind.BOUNDARY, boundary) or None,
        session=_policies("session", Kind.SESSION, session) or None,
        resource_policies=_policies("resource", Kind.RESOURCE, resource_policies)
        if trust is None
        else _policies("trust", Kind.TRUST, [trust]),
        trust=trust is not None,
        scps=tuple((each,) for each in _policies("scp", Kind.IDENTITY, scp)),
        rcps=tuple((each,) for each in _policies("rcp", Kind.RESOURCE, rcp)),
    )
    verdict = combine.weigh(question)
    if output == "json":
        _say(_explained(question, verdict))
    else:
        _show_explained(question, verdict)
    context.exit(0 if verdict.allowed else 1)


def _policies(layer: Layer, kind: Kind, files: Sequence[BinaryIO]) -> tuple[Policy, ...]:
    return tuple(compile_policy(_document(file, kind), Source(layer, _name(file))) for file in files)


def _document(file: BinaryIO, kind: Kind) -> Document:
    text = _text(file)
    document = parse(text, kind)
    if isinstance(document, Document):
        return document
    faults = [f"{_name(file)}:{each.line}:{each.column}: {each.message}" for each in problems(text, kind)]
    raise Unreadable("\n".join([*faults, f"this is no {kind.value} policy"]))


def _name(file: BinaryIO) -> str:
    return getattr(file, "name", "<stdin>")


def _text(file: BinaryIO) -> str:
    try:
        return file.read().decode()
    except UnicodeDecodeError:
        raise Unreadable(f"{_name(file)} is not UTF-8") from None


def _explained(question: combine.Question, verdict: combine.Verdict) -> Mapping[str, Any]:
    return {
        "decision": verdict.effect,
        "because": combine.because(verdict, question.action),
        "principal": question.principal.arn or question.principal.issuer or question.principal.kind,
        "action": question.action,
        "resource": question.resource,
        "resourceAccount": question.resource_account,
        "determinedBy": [
            {
                "layer": each.layer,
                "policy": each.policy,
                "sid": each.sid,
                "statement": each.index + 1,
                "line": each.line,
                "column": each.column,
                "endLine": each.end_line,
                "endColumn": each.end_column,
            }
            for each in verdict.determined_by
        ],
        "checks": [{"layer": each.layer, "result": each.result} for each in verdict.checks],
        "missingKeys": verdict.missing,
        "context": question.context,
    }


def _show_explained(question: combine.Question, verdict: combine.Verdict) -> None:
    who = question.principal.arn or question.principal.issuer or question.principal.kind
    click.echo(f"{verdict.effect.value}: {question.action} on {question.resource} for {who}")
    if because := combine.because(verdict, question.action):
        click.echo(because)
    console = Console()
    if verdict.determined_by:
        table = Table("Determined by", "Policy", "Statement", "Sid", "From", "To", box=None)
        for each in verdict.determined_by:
            start, end = f"{each.line}:{each.column}", f"{each.end_line}:{each.end_column}"
            table.add_row(each.layer, Path(each.policy).name, str(each.index + 1), each.sid, start, end)
        click.echo()
        console.print(table)
    table = Table("Asked in turn", "Result by itself", box=None)
    for check in verdict.checks:
        table.add_row(check.layer, check.result.value)
    click.echo()
    console.print(table)
    if verdict.missing:
        click.echo(f"\nKeys that were read and not there: {', '.join(verdict.missing)}")


def _say(answer: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(answer)).decode())
