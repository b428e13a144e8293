"""The right-hand side of a model, checked against an allow-list before any formula library sees it.

Allowed: names, backticked names, numbers inside a function, `+`, `:`, `*`, parentheses, and the functions log, poly
and bs. So an analysis file runs no code. The intercept belongs to the baseline hazard and cannot be removed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bayes_rrmm.errors import AnalysisError

FUNCTIONS = ("log", "poly", "bs")
LABELS = frozenset(
    {
        *("chain", "draw", "time", "comparison", "versus", "subgroup", "interval", "prob", "threshold", "median", "mean", "sd"),
        *("lower", "upper", "extrapolated", "p_below", "p_above", "p_not_reached", "intercept"),
    }
)
"""Names of labels and columns in results, which a covariate of the same name would overwrite."""
RESERVED = ("baseline", "sigma", "tau", "frailty")
KEYWORDS = {"poly": ("degree",), "bs": ("df", "degree")}
CUBIC = 3
"""The degree of a spline unless it is given."""

_TOKEN = re.compile(
    r"\s*(?:(?P<quoted>`[^`]+`)|(?P<name>[^\W\d][\w.]*)|(?P<number>\d+(?:\.\d+)?)|(?P<symbol>[+:*(),=])|(?P<other>\S))"
)


@dataclass(frozen=True)
class Factor:
    """One part of a term: a variable, or a function of one. `text` is how the formula library writes it."""

    text: str
    variable: str
    is_function: bool


@dataclass(frozen=True)
class Term:
    """A main effect (one factor) or an interaction (several)."""

    factors: tuple[Factor, ...]

    @property
    def name(self) -> str:
        """The term as the analysis file names it, such as `regimen` or `regimen:extramedullary`."""
        return ":".join(factor.text if factor.is_function else factor.variable for factor in self.factors)

    @property
    def text(self) -> str:
        """The term as the formula library reads it."""
        return ":".join(factor.text for factor in self.factors)

    @property
    def variables(self) -> tuple[str, ...]:
        """The columns the term reads, in order, each once."""
        return tuple(dict.fromkeys(factor.variable for factor in self.factors))

    @property
    def key(self) -> frozenset[str]:
        """What makes two terms the same, whatever the order of their factors."""
        return frozenset(factor.text for factor in self.factors)

    @property
    def is_variable(self) -> bool:
        """True for the main effect of a variable as it stands, without a function."""
        return len(self.factors) == 1 and not self.factors[0].is_function


@dataclass(frozen=True)
class Formula:
    """The terms of the linear predictor, in the order written, interactions after the main effects they bring."""

    source: str
    terms: tuple[Term, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """The columns the formula reads, in order, each once."""
        return tuple(dict.fromkeys(variable for term in self.terms for variable in term.variables))

    def find(self, name: str) -> Term | None:
        """The term of that name, in whatever order its factors are written; None when there is none."""
        wanted = frozenset(part.strip().strip("`").replace(" ", "") for part in name.split(":"))
        for term in self.terms:
            if frozenset(part.strip("`").replace(" ", "") for part in term.key) == wanted:
                return term
        return None


def parse_formula(source: str) -> Formula:
    """The formula of `source`.

    Raises AnalysisError naming the offending part, what is allowed, and the remedy.
    """
    terms = _Parser(source).parse()
    return Formula(source=source, terms=tuple(terms))


class _Parser:
    """Recursive descent over the tokens; the value of an expression is its list of terms, `()` being the intercept."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = [match for match in _TOKEN.finditer(source) if match.group().strip()]
        self.position = 0

    def parse(self) -> list[Term]:
        if not self.tokens:
            raise self.refuse("it is empty", "write formula = '1' for a model without covariates")
        groups = self.sum()
        if self.position < len(self.tokens):
            self.unexpected()
        unique: dict[frozenset[str], Term] = {}
        for factors in sorted(groups, key=len):
            if factors:
                term = Term(tuple({factor.text: factor for factor in factors}.values()))
                unique.setdefault(term.key, term)
        return list(unique.values())

    def sum(self) -> list[tuple[Factor, ...]]:
        total = self.product()
        while self.take("+"):
            total = total + self.product()
        return total

    def product(self) -> list[tuple[Factor, ...]]:
        left = self.atom()
        while symbol := self.take(":", "*"):
            right = self.atom()
            crossed = [a + b for a in left for b in right]
            left = left + right + crossed if symbol == "*" else crossed
        return left

    def atom(self) -> list[tuple[Factor, ...]]:
        if self.take("("):
            inside = self.sum()
            self.expect(")")
            return inside
        token = self.next("a covariate")
        if token.group("number"):
            if token.group("number") == "1":
                return [()]
            if token.group("number") == "0":
                raise self.refuse("0 removes the intercept", "leave it out: the baseline hazard is the intercept")
            raise self.refuse(f"the number {token.group('number')} stands alone", "use numbers inside poly() or bs()")
        factor = self.factor(token)
        return [(factor,)]

    def factor(self, token: re.Match[str]) -> Factor:
        if token.group("quoted"):
            return Factor(token.group("quoted"), self.checked(token.group("quoted").strip("`")), False)
        name = token.group("name")
        if name is None:
            self.position -= 1
            self.unexpected()
        if not self.take("("):
            return Factor(name if "." not in name else f"`{name}`", self.checked(name), False)
        if name not in FUNCTIONS:
            raise self.refuse(f"the function {name}() is not allowed", f"use {', '.join(FUNCTIONS)}, or a column of the data")
        inner = self.factor(self.next(f"the covariate inside {name}()"))
        arguments, given = [inner.text], dict[str, int]()
        while self.take(","):
            arguments.append(self.argument(name, given))
        self.expect(")")
        if "df" in given and given["df"] < given.get("degree", CUBIC):
            raise self.refuse(f"bs() needs df of at least its degree, {given.get('degree', CUBIC)}", "raise df, or lower degree")
        return Factor(f"{name}({', '.join(arguments)})", inner.variable, True)

    def argument(self, function: str, given: dict[str, int]) -> str:
        """One number of a function as written; `given` collects them by keyword."""
        token = self.next(f"a number inside {function}()")
        keyword = ""
        if token.group("name"):
            if token.group("name") not in KEYWORDS.get(function, ()):
                raise self.refuse(
                    f"{function}() takes no argument {token.group('name')!r}",
                    f"valid: {', '.join(KEYWORDS.get(function, ())) or 'none'}",
                )
            keyword = f"{token.group('name')}="
            self.expect("=")
            token = self.next(f"a number inside {function}()")
        number = token.group("number") or ""
        if not number.isdigit() or int(number) < 1:
            raise self.refuse(
                f"{token.group().strip()!r} inside {function}() is not a whole number above 0", "give one there, or leave it out"
            )
        key = keyword.rstrip("=") or next(iter(KEYWORDS.get(function, ())), "")
        if not key or key in given or (not keyword and given):
            raise self.refuse(f"{function}() takes no more numbers", f"valid: {_example(function)}")
        given[key] = int(number)
        return keyword + number

    def checked(self, name: str) -> str:
        if name in RESERVED or name.startswith("log_"):
            raise self.refuse(f"{name!r} is a reserved name (baseline, log_*, sigma, tau, frailty)", "rename the column")
        if name in LABELS:
            raise self.refuse(f"{name!r} is a name that results use for themselves", "rename the column")
        if ":" in name:
            raise self.refuse(f"{name!r} has a colon, which stands for an interaction", "rename the column")
        return name

    def take(self, *symbols: str) -> str | None:
        if self.position < len(self.tokens) and self.tokens[self.position].group("symbol") in symbols:
            self.position += 1
            return self.tokens[self.position - 1].group("symbol")
        return None

    def next(self, wanted: str) -> re.Match[str]:
        if self.position == len(self.tokens):
            raise self.refuse(f"it ends where {wanted} should stand", "complete it")
        self.position += 1
        return self.tokens[self.position - 1]

    def expect(self, symbol: str) -> None:
        if not self.take(symbol):
            if self.position == len(self.tokens):
                raise self.refuse(f"a {symbol!r} is missing at its end", f"close it with {symbol!r}")
            self.unexpected()

    def unexpected(self) -> None:
        part = self.tokens[self.position].group().strip()
        remedy = "use names, `backticked names`, + : * ( ), log(), poly() and bs()"
        if part == "-":
            remedy = "terms cannot be removed; leave out what you do not want (the intercept is the baseline hazard)"
        raise self.refuse(f"{part!r} is not allowed there", remedy)

    def refuse(self, what: str, remedy: str) -> AnalysisError:
        return AnalysisError(f"[model] formula = {self.source!r}: {what}; {remedy}.")


def _example(function: str) -> str:
    """How the function is written with all its numbers."""
    return f"{function}({', '.join(['x', *(f'{keyword}={CUBIC}' for keyword in KEYWORDS.get(function, ()))])})"
