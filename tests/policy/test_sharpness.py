"""The generated questions are sharp: every wrong rule that is planted in the engine changes an answer.

Each row is one defect somebody could write: a module, the words to replace, and what replaces them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from itertools import islice
from types import CodeType, ModuleType

import pytest

from . import reference
from .generate import questions

ROOM = "authority.policy"
QUESTIONS = 48_000

WRONG_RULES = {
    # how layers combine
    "a deny is forgotten": ("combine", "if hearing.denials:", "if False:"),
    "a deny of the resource does not count": ("evaluate", "self.denials.append(rule.matched)", "None if rule.whom else self.denials.append(rule.matched)"),
    "a boundary does not limit": ("combine", "if question.boundary is not None:", "if False:"),
    "an empty boundary is no boundary": ("combine", "if question.boundary is not None:", "if question.boundary:"),
    "a boundary grants": ("combine", "needed = [identity, *limits]", "needed = limits or [identity]"),
    "session policies do not limit": ("combine", "if session is not None:", "if False:"),
    "an empty set of session policies does not limit": ("combine", "if session is not None:", "if session:"),
    "a federated user without session policies is unlimited": ("combine", "        session = ()", "        session = None"),
    "the first control policy level is enough": ("combine", "for level in levels]", "for level in levels[:1]]"),
    "service control policies need not allow": ("combine", "(*control, *needed)", "needed"),
    "service control policies limit services": ("combine", "if controlled and kind not in _OUTSIDERS else", "if controlled else"),
    "resource control policies need not allow": ("combine", 'control += hearing.hear_levels("rcp", question.rcps)', 'hearing.hear_levels("rcp", question.rcps)'),
    "root needs an identity policy": ("combine", "needed = [] if own and not must_name else", "needed = [identity] if own and not must_name else"),
    "root reaches into other accounts": ("combine", "needed = [] if own and not must_name else [resource]", "needed = []"),
    "root assumes roles": ("combine", "if kind is _ROOT and question.trust:", "if False:"),
    "services need identity policies": ("combine", "elif kind in _OUTSIDERS:\n        needed = [resource]", "elif kind in _OUTSIDERS:\n        needed = [resource, identity]"),
    "the resource alone admits other accounts": ("combine", "needed = [identity, *limits, resource]", "needed = [resource]"),
    "identity alone reaches into other accounts": ("combine", "needed = [identity, *limits, resource]", "needed = [identity, *limits]"),
    "boundaries do not limit across accounts": ("combine", "needed = [identity, *limits, resource]", "needed = [identity, resource]"),
    "a direct grant is limited by the boundary": ("combine", "elif grant is _DIRECT and not question.trust:\n        needed = [resource]", "elif grant is _DIRECT and not question.trust:\n        needed = [resource, *limits]"),
    "a trust policy escapes the boundary": ("combine", "elif grant is _DIRECT and not question.trust:", "elif grant is _DIRECT:"),
    "naming the role is as good as naming the session": ("combine", "needed = [resource, *limits]", "needed = [resource]"),
    "naming the role asks for an identity policy": ("combine", "elif grant >= _ROLE:", "elif grant > _ROLE:"),
    "naming the account is enough": ("combine", "elif grant >= _ROLE:", "elif grant >= Grant.ACCOUNT:"),
    "a role need not trust its own account": ("combine", "needed = [resource, identity, *limits]", "needed = [identity, *limits]"),
    "trusting the account is enough": ("combine", "needed = [resource, identity, *limits]", "needed = [resource, *limits]"),
    # how statements apply
    "only the first condition counts": ("evaluate", "for test in rule.tests:", "for test in rule.tests[:1]:"),
    "conditions do not count": ("evaluate", "for test in rule.tests:", "for test in ():"),
    "resources do not count": ("evaluate", "(rule.reach is None or self._reaches(rule, rule.reach))", "True"),
    "NotPrincipal is Principal": ("evaluate", "if not rule.negated_whom:", "if True:"),
    "an allow for all but some takes in those": ("evaluate", "return _NONE if whom.grant(self.principal) is not _NONE else _DIRECT", "return _DIRECT"),
    "a boundary leaves NotPrincipal's exception alone": ("evaluate", " and not self.bounded else", " else"),
    "the least direct grant counts": ("evaluate", "if grant > best:", "if True:"),
    "NotAction is Action": ("compiled", "append((_unless(listed), statement.index))", "append((listed, statement.index))"),
    "actions keep their case": ("compiled", "for name in map(folded, statement.actions):", "for name in statement.actions:"),
    "patterns of other vendors are tried alone": ("compiled", 'for vendor in ("", action.partition(":")[0]):', 'for vendor in (action.partition(":")[0],):'),
    "patterns of the vendor are not tried": ("compiled", 'for vendor in ("", action.partition(":")[0]):', 'for vendor in ("",):'),
    "only the last statement naming an action counts": ("compiled", "self._exact.setdefault(name, set()).add(statement.index)", "self._exact[name] = {statement.index}"),
    "NotResource is Resource": ("compiled", "return lambda resource, context: not covered(resource, context)", "return lambda resource, context: covered(resource, context)"),
    "a variable without value reaches everything": ("compiled", "if text is None or not resource.startswith(text, at):", "if text is None:\n                return True\n            if not resource.startswith(text, at):"),
    # principals
    "unique ids are not compared": ("whom", "elif named.is_user_or_role and named.name in bound:", "elif False:"),
    "what was bound to nothing is compared by name": ("whom", "elif named.is_user_or_role and named.name in bound:", "elif bound.get(named.name) is not None:"),
    "an account names only its root": ("whom", "return principal.kind in _MEMBERS and", "return principal.kind is PrincipalKind.ROOT and"),
    "providers belong to accounts": ("whom", "return principal.kind in _MEMBERS and", "return"),
    "a session is not its role": ("whom", "return principal.unique_id in self._ids or principal.issuer in self._arns", "return False"),
    "who is named beside accounts is not looked for": ("whom", "self._accounts_alone = not (", "self._accounts_alone = bool(accounts) or not ("),
    "a session is directly its role": ("whom", "                return _ROLE", "                return _DIRECT"),
    "a session is not named by its own ARN": ("whom", "            return principal.arn in self._arns\n        if kind is _SERVICE", "            return False\n        if kind is _SERVICE"),
    "services are not named": ("whom", "return principal.arn in self._services", "return False"),
    "providers are not named": ("whom", "return kind in _VOUCHED and principal.issuer in self._providers", "return False"),
    "everybody has an account": ("whom", "if self._everybody or self._names_itself(principal):", "if (self._everybody and principal.account) or self._names_itself(principal):"),
    "one entry of the list spares": ("silences", "SESSION_SPARED_BY_PART: Final[bool] = False", "SESSION_SPARED_BY_PART: Final[bool] = True"),
    "a user is spared without its account": ("whom", "return self._names_itself(principal) and self._names_account(principal)", "return self._names_itself(principal)"),
    "a session is spared without its role": ("whom", "named = self._names_itself(principal) and self._names_issuer(principal)", "named = self._names_itself(principal)"),
    # conditions
    "different includes what cannot be compared": ("silences", "INCOMPARABLE_DIFFERS: Final[bool] = False", "INCOMPARABLE_DIFFERS: Final[bool] = True"),
    "a multivalued key stands without a set operator": ("silences", "MULTIVALUED_ALONE: Final[bool] = False", "MULTIVALUED_ALONE: Final[bool] = True"),
    "IfExists means nothing to ForAnyValue": ("silences", "ANY_VALUE_IF_EXISTS: Final[bool] = True", "ANY_VALUE_IF_EXISTS: Final[bool] = False"),
    "an empty text is a set of one": ("silences", "EMPTY_TEXT_IS_EMPTY_SET: Final[bool] = True", "EMPTY_TEXT_IS_EMPTY_SET: Final[bool] = False"),
    "an empty text is absent": ("silences", "EMPTY_TEXT_IS_ABSENT: Final[bool] = False", "EMPTY_TEXT_IS_ABSENT: Final[bool] = True"),
    "Bool takes no variables": ("silences", "BOOL_TAKES_VARIABLES: Final[bool] = True", "BOOL_TAKES_VARIABLES: Final[bool] = False"),
    "IfExists means nothing": ("conditions", "absent=named.negated or named.if_exists", "absent=named.negated"),
    "a negated operator needs its key": ("conditions", "absent=named.negated or named.if_exists", "absent=named.if_exists"),
    "condition keys keep their case": ("conditions", "    key = folded(key)\n", ""),
    "ForAllValues asks for one": ("conditions", "return all(satisfied(value, context) for value in _set(context.get(key)))", "return any(satisfied(value, context) for value in _set(context.get(key)))"),
    "ForAllValues needs its key": ("conditions", "return all(satisfied(value, context) for value in _set(context.get(key)))", "return bool(context.get(key)) and all(satisfied(value, context) for value in _set(context.get(key)))"),
    "ForAnyValue asks for all": ("conditions", "return any(satisfied(each, context) for each in _set(value))", "return all(satisfied(each, context) for each in _set(value))"),
    "Null is turned around": ("conditions", "return absent in absences", "return absent not in absences"),
    "values of a key are all needed": ("conditions.comparison", "return asked is not None and any(", "return asked is not None and all("),
    "negated values are alternatives": ("conditions.comparison", "            return all(\n", "            return any(\n"),
    "StringEquals takes wildcards": ("conditions.strings", '"StringEquals": _equals,', '"StringEquals": _like,'),
    "StringEquals ignores case": ("conditions.strings", '"StringEquals": _equals,', '"StringEquals": _equals_ignoring_case,'),
    "StringLike ignores wildcards": ("conditions.strings", '"StringLike": _like,', '"StringLike": _equals,'),
    "StringNotLike is StringNotEquals": ("conditions.strings", '"StringNotLike": _negated(_like),', '"StringNotLike": _negated(_equals),'),
    "IgnoreCase does not": ("conditions.strings", '"StringEqualsIgnoreCase": _equals_ignoring_case,', '"StringEqualsIgnoreCase": _equals,'),
    "numbers are compared as text": ("conditions.numbers", '"NumericEquals": one_holds(number, number,', '"NumericEquals": one_holds(str, str,'),
    "less than includes equal": ("conditions.numbers", '"NumericLessThan": one_holds(number, number, operator.lt)', '"NumericLessThan": one_holds(number, number, operator.le)'),
    "decimals are cut off": ("conditions.numbers", "return Decimal(text) if", "return Decimal(text.partition('.')[0]) if"),
    "exponents are numbers": ("conditions.numbers", '{1,100})?"', '{1,100})?(?:e[0-9])?"'),
    "zones are ignored": ("conditions.dates", "late = (", "late = 0 * ("),
    "zones count backwards": ("conditions.dates", '(-1 if ahead == "-" else 1)', '(1 if ahead == "-" else -1)'),
    "fractions of a second are ignored": ("conditions.dates", 'return int(fraction.ljust(9, "0")) if fraction else 0', "return 0"),
    "four digits are a year": ("conditions.dates", "if found := _SECONDS.fullmatch(text):", "if (found := _SECONDS.fullmatch(text)) and len(text) != 4:"),
    "a time without a zone is no moment": ("conditions.dates", '([0-9]{2}))?)?)?)?"', '([0-9]{2}))?))?)?"'),
    "a month is no moment": ("conditions.dates", '([0-9]{2}))?)?)?)?"', '([0-9]{2}))?)?)?)"'),
    "after is before": ("conditions.dates", '"DateGreaterThan": one_holds(moment, moment, operator.gt)', '"DateGreaterThan": one_holds(moment, moment, operator.lt)'),
    "Bool keeps its case": ("conditions.booleans", ".get(folded(text))", ".get(text)"),
    "what is no truth is equal to another": ("conditions.booleans", "truths = plain - {None}", "truths = plain"),
    "loose base 64 is read": ("conditions.binaries", 'if base64.b64encode(data).decode("ascii") == text else None', ""),
    "a mapped address escapes its block": ("conditions.addresses", "address.ipv4_mapped is not None and bits >= _MAPPED_BITS", "False"),
    "blocks are single addresses": ("conditions.addresses", "return asked[0] == family and asked[1] >> loose == first >> loose", "return asked[0] == family and asked[1] == first"),
    "families are alike": ("conditions.addresses", "return asked[0] == family and asked[1] >> loose == first >> loose", "return asked[1] >> loose == first >> loose"),
    "ARNs are compared as a whole": ("conditions.arns", '"ArnLike": _prepared(_one),', '"ArnLike": strings.OPERATORS["StringLike"],'),
    "ArnEquals takes no wildcards": ("conditions.arns", '"ArnEquals": _prepared(_one),', '"ArnEquals": strings.OPERATORS["StringEquals"],'),
    "ArnNotLike is ArnLike": ("conditions.arns", '"ArnNotLike": _prepared(_none),', '"ArnNotLike": _prepared(_one),'),
    # patterns and variables
    "a question mark is a character": ("match", 'Wild(part) if part in ("*", "?") else part', 'Wild(part) if part == "*" else part'),
    "a question mark stands for nothing too": ("match", '"." if token is Wild.ONE', '".?" if token is Wild.ONE'),
    "a star needs a character": ("match", "if len(text) < ends or", "if len(text) <= ends or"),
    "an inserted star is a wildcard": ("variables", "            row.append(text)\n", "            row.extend(tokens(text))\n"),
    "a default is not read": ("variables", "return value if isinstance(value, str) else variable.default", "return value if isinstance(value, str) else None"),
    "a default wins": ("variables", "return value if isinstance(value, str) else variable.default", "return variable.default or (value if isinstance(value, str) else None)"),
    "a multivalued key is inserted": ("variables", "return value if isinstance(value, str) else variable.default", "return (value[0] if value and isinstance(value, tuple) else value if isinstance(value, str) else variable.default)"),
    "an escaped star is a wildcard": ("variables", "parts.append(plain)", "parts.extend(tokens(plain))"),
    "variable names keep their case": ("variables", 'Reference(folded(found["key"]),', 'Reference(found["key"],'),
    "the older version has variables": ("document", "return self.version == CURRENT", "return True"),
    "the newer version has no variables": ("document", "return self.version == CURRENT", "return False"),
    "no version is the newer version": ("document", "absent=OLD, known", "absent=CURRENT, known"),
    # what joined them since
    "root escapes service control policies": ("combine", "kind not in _OUTSIDERS else", "kind not in {*_OUTSIDERS, _ROOT} else"),
    "service-linked roles are limited by control policies": ("combine", " and not _is_service_linked(question.principal)", ""),
    "service-linked roles escape service control policies alone": ("combine", "    if controlled:\n", "    if question.rcps:\n"),
    "a key need not name its own account": ("combine", "must_name = question.trust or (bool(question.resource_policies) and _is_key(question.resource))", "must_name = question.trust"),
    "the root of a key's account needs no key policy": ("combine", "needed = [] if own and not must_name else", "needed = [] if own else"),
    "the aliases of keys have policies": ("combine", 'and fields[5].startswith("key/")', ""),
    "what has any policy must name its account": ("combine", " and _is_key(question.resource))", ")"),
    "services escape resource control policies": ("combine", "    if controlled:", "    if controlled and kind not in _OUTSIDERS:"),
    "a boundary that allows nothing leaves NotPrincipal alone": ("combine", "bounded=question.boundary is not None", "bounded=bool(question.boundary)"),
    "every resource is one's own": ("combine", "own = question.principal.account == question.resource_account", "own = True"),
    "no resource is one's own": ("combine", "own = question.principal.account == question.resource_account", "own = False"),
    "whom NotPrincipal lets in is named by its account": ("evaluate", "is not _NONE else _DIRECT\n        # A boundary", "is not _NONE else Grant.ACCOUNT\n        # A boundary"),
    "a statement without a principal names nobody": ("evaluate", "grant = _DIRECT if rule.whom is None", "grant = _NONE if rule.whom is None"),
    "only the first policy is heard": ("evaluate", "gathered(policies)", "gathered(policies[:1])"),
    "variables are read before the fifth colon": ("variables", "_joined([*tokens(head), *template(tail,", "_joined([*tokens(head), *template(text,"),
    "an empty default is none": ("variables", "(?P<default>[^']*+)", "(?P<default>[^']++)"),
    "a plain dollar is not": ("variables", "(?P<plain>[*?$])", "(?P<plain>[*?])"),
    "text between runs may overlap": ("match", "at = found + len(literal)", "at = found"),
    "text between runs may come in any order": ("match", "found = text.find(literal, at, last)", "found = text.find(literal)"),
    "a prefix is enough": ("match", "return lambda text: text.startswith(prefix)", "return lambda text: prefix in text"),
    "the sixth field of an ARN ends at its first colon": ("conditions.arns", 'value.split(":", FIELDS - 1)', 'value.split(":")'),
    "a plus sign is no sign": ("conditions.numbers", '"[+-]?[0-9]', '"-?[0-9]'),
    "seconds before 1970 are after it": ("conditions.dates", "return -count if sign else count", "return count"),
    "a prefix beyond the address is read": ("conditions.addresses", "    if bits > _BITS[family]:\n        return None", "    bits = min(bits, _BITS[family])"),
    "bytes are compared as text": ("conditions.binaries", "one_holds(binary, binary,", "one_holds(str, str,"),
    "a block is an address": ("conditions.addresses", 'return None if "/" in text else block(text)', "return block(text)"),
    **{
        f"a deny of the {layer} policies does not count": ("evaluate", "self.denials.append(rule.matched)", f'None if rule.matched.layer == "{layer}" else self.denials.append(rule.matched)')
        for layer in ("identity", "boundary", "session", "resource", "trust", "scp", "rcp")
    },
    **{
        f"{name} is {other}": (f"conditions.{module}", f'    "{name}": ', f'    "{name}": {wrong}, "{name}-as-it-was": ')
        for module, name, other, wrong in (
            ("strings", "StringNotEquals", "StringEquals", "_equals"),
            ("strings", "StringNotEqualsIgnoreCase", "StringNotEquals", "_negated(_equals)"),
            ("numbers", "NumericNotEquals", "NumericEquals", "one_holds(number, number, operator.eq)"),
            ("numbers", "NumericLessThanEquals", "NumericLessThan", "one_holds(number, number, operator.lt)"),
            ("numbers", "NumericGreaterThan", "NumericGreaterThanEquals", "one_holds(number, number, operator.ge)"),
            ("numbers", "NumericGreaterThanEquals", "NumericGreaterThan", "one_holds(number, number, operator.gt)"),
            ("dates", "DateEquals", "DateLessThanEquals", "one_holds(moment, moment, operator.le)"),
            ("dates", "DateNotEquals", "DateEquals", "one_holds(moment, moment, operator.eq)"),
            ("dates", "DateLessThan", "DateLessThanEquals", "one_holds(moment, moment, operator.le)"),
            ("dates", "DateLessThanEquals", "DateLessThan", "one_holds(moment, moment, operator.lt)"),
            ("dates", "DateGreaterThanEquals", "DateGreaterThan", "one_holds(moment, moment, operator.gt)"),
            ("addresses", "IpAddress", "NotIpAddress", "none_holds(single, block, _inside)"),
            ("addresses", "NotIpAddress", "IpAddress", "one_holds(single, block, _inside)"),
            ("arns", "ArnNotEquals", "ArnEquals", "_prepared(_one)"),
        )
    },
}  # fmt: skip
ALSO_IMPORTS = {"conditions.arns": "from authority.policy.conditions import strings\n"}


@pytest.fixture(scope="module")
def answered():
    return [(asked, reference.decide(asked)) for asked in islice(questions(seed=4711), QUESTIONS)]


@pytest.mark.parametrize(("module", "right", "wrong"), WRONG_RULES.values(), ids=WRONG_RULES)
def test_a_planted_wrong_rule_is_noticed(module, right, wrong, answered):
    with planted(f"{ROOM}.{module}", right, wrong) as engine:
        compiler = engine.Compiler()
        assert any(errs(engine, asked, expected, compiler) for asked, expected in answered)


def errs(engine: ModuleType, asked, expected, compiler) -> bool:
    """Whether the engine answers wrongly, or will not read a document that is in order."""
    try:
        return engine.decide(asked, compiler) != expected
    except AssertionError:
        return True


def test_the_engine_as_it_is_gets_every_answer_right(answered):
    with planted(f"{ROOM}.combine", "def weigh(", "def weigh(") as engine:
        compiler = engine.Compiler()
        assert all(engine.decide(asked, compiler) == expected for asked, expected in answered[:500])


@contextmanager
def planted(module: str, right: str, wrong: str) -> Iterator[ModuleType]:
    """The engine's test harness over a copy of the room in which *wrong* stands for *right* in *module*."""
    harness = f"{__package__}.engine"
    saved = {name: sys.modules.pop(name) for name in list(sys.modules) if name == harness or name.startswith(ROOM)}
    planter = Planter(module, right, wrong)
    sys.meta_path.insert(0, planter)
    try:
        yield importlib.import_module(harness)
    finally:
        sys.meta_path.remove(planter)
        for name in list(sys.modules):
            if name == harness or name.startswith(ROOM):
                del sys.modules[name]
        sys.modules.update(saved)


class Planter:
    def __init__(self, module: str, right: str, wrong: str) -> None:
        self.module, self.right, self.wrong = module, right, wrong

    def find_spec(self, name: str, path=None, target=None) -> ModuleSpec | None:
        if name != self.module:
            return None
        spec = PathFinder.find_spec(name, path)
        spec.loader = PlantedLoader(name, spec.origin, self)
        return spec


class PlantedLoader(SourceFileLoader):
    def __init__(self, name: str, path: str, planter: Planter) -> None:
        super().__init__(name, path)
        self.planter = planter

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_data(self.path).decode()
        assert source.count(self.planter.right) == 1, "the rule to replace must stand in the module exactly once"
        changed = source.replace(self.planter.right, self.planter.wrong)
        future = "from __future__ import annotations\n"
        more = ALSO_IMPORTS.get(fullname.removeprefix(f"{ROOM}."), "")
        return compile(changed.replace(future, future + more), self.path, "exec")
