"""Tables of patients with a wrong value, a missing one, or columns that no model can be fitted to."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fault import FRAILTY, MARGINALISE, PIECEWISE, ROWS, analysis, cell, column, data

OUTCOMES = {
    "a time missing": data("row 5, column 'time' is missing", "complete it or leave the row out", edit=cell(5, "time", None)),
    "text for a time": data(
        "row 5, column 'time' is '12 months'", "must be a number", "correct it", edit=cell(5, "time", "12 months")
    ),
    "a decimal comma": data("row 5, column 'time' is '12,5'", "decimals with a point, not a comma", edit=cell(5, "time", "12,5")),
    "an infinite time": data("row 5, column 'time' is 'inf'", "must be finite", "correct it", edit=cell(5, "time", "inf")),
    "a negative time": data("row 5, column 'time' is -3", "must not be negative", "count it from time 0", edit=cell(5, "time", -3)),
    "a time of 0": data("row 5, column 'time' is 0", 'zero_times = "drop"', '"half-day"', edit=cell(5, "time", 0)),
    "event status missing": data("row 5, column 'event' is missing", "never assumed", "complete it", edit=cell(5, "event", None)),
    "an event of 2": data("row 5, column 'event' is '2'", "1 is the event and 0 is censored", edit=cell(5, "event", 2)),
    "events coded in words": data(
        "column 'event' is 'dead'", "recode it", edit=lambda f: f.assign(event=f["event"].map({0: "alive", 1: "dead"}))
    ),
    "events coded 1 and 2": data("1 = censored, 2 = event: subtract 1", edit=lambda f: f.assign(event=f["event"] + 1)),
    "nobody has the event": data(
        "column 'event'", "all 32 analysed rows are censored", "check the coding", edit=column("event", 0)
    ),
    "exit before entry": data(
        "row 5, column 'time'",
        "exit comes before entry",
        "check the two dates",
        endpoint="entry = 'entry'",
        edit=cell(5, "entry", 4000),
    ),
    "exit at entry": data(
        "row 5, column 'time'",
        "exit must come after entry",
        "zero_times",
        endpoint="entry = 'entry'",
        edit=lambda f: f.assign(entry=[f["time"][4] if row == 4 else 0 for row in range(ROWS)]),
    ),
    "entry missing": data(
        "row 5, column 'entry' is missing", "complete it", endpoint="entry = 'entry'", edit=cell(5, "entry", None)
    ),
    "entry negative": data(
        "row 5, column 'entry' is -1", "count it from time 0", endpoint="entry = 'entry'", edit=cell(5, "entry", -1)
    ),
    "a fractional weight": data(
        "row 5, column 'n' is 0.37",
        "whole number",
        "adjust by covariates instead",
        endpoint="weight = 'n'",
        edit=cell(5, "n", 0.37),
    ),
    "a weight of 0": data("row 5, column 'n' is 0", "whole number above 0", endpoint="weight = 'n'", edit=cell(5, "n", 0)),
    "an id missing": data("row 5, column 'who' is missing", "complete it", endpoint="id = 'who'", edit=cell(5, "who", None)),
    "spells that overlap": data(
        "column 'who' is 'p3'",
        "overlaps another spell",
        "end one where the next begins",
        endpoint="id = 'who'\nentry = 'entry'",
        edit=cell(5, "who", "p3"),
    ),
    "a patient twice": data(
        "row 5, column 'patient' is 'p3'",
        "remove the copy, or declare spells",
        "id = 'patient'",
        edit=lambda f: cell(5, "patient", "p3")(f.rename(columns={"who": "patient"})),
    ),
    "no such cluster": data(
        "column 'whose' (the frailty's cluster)", "did you mean 'who'?", model=FRAILTY.replace("'who'", "'whose'")
    ),
    "a cluster missing": data(
        "row 5, column 'who' is missing: the cluster must be known", "leave the row out", model=FRAILTY, edit=cell(5, "who", None)
    ),
    "one cluster": data(
        "column 'who': all 32 analysed rows are of one cluster", "name a column with several", model=FRAILTY, edit=column("who", 1)
    ),
    "log-normal frailty with delayed entry": data(
        "row 1, column 'entry' is 0.25",
        'set distribution = "gamma"',
        endpoint="entry = 'entry'",
        model=FRAILTY.replace("gamma", "log-normal"),
    ),
    "no such time column": data("column 'tiem'", "did you mean 'time'?", whole=lambda text: text.replace('"time"', '"tiem"')),
}

COVARIATES = {
    "no such covariate": data("column 'ages' (a covariate) is not in the data", "did you mean 'age'?", formula="ages"),
    "text among numbers": data("row 5, column 'age' is 'sixty'", "must be a number", "correct it", edit=cell(5, "age", "sixty")),
    "an infinite covariate": data("row 5, column 'age' is '-inf'", "must be finite", "correct it", edit=cell(5, "age", "-inf")),
    "decimal commas in a covariate": data(
        "row 1, column 'age'",
        "decimals with a point",
        edit=lambda f: f.assign(age=f["age"].map(lambda v: f"{v:.1f}".replace(".", ","))),
    ),
    "a level not declared": data(
        "row 5, column 'group' is 'e'",
        "not one of the declared levels (a, b, c, d)",
        "add it to levels in [variables.group]",
        edit=cell(5, "group", "e"),
        rest="[variables.group]\nlevels = ['a', 'b', 'c', 'd']",
    ),
    "a level nobody has": data(
        "column 'group'",
        "no analysed row has level 'z'",
        "take it out of levels",
        rest="[variables.group]\nlevels = ['a', 'b', 'c', 'd', 'z']",
    ),
    "a reference nobody has": data(
        "reference level 'z'", "choose another in [variables.group]", rest="[variables.group]\nreference = 'z'"
    ),
    "a constant number": data("term 'age'", "is constant", "take it out of the formula", edit=column("age", 60)),
    "a constant group": data("column 'group' is constant", "take it out of the formula", edit=column("group", "a")),
    "a group emptied by gaps": data(
        "no analysed row has level 'd'",
        "take it out",
        rest="[variables.group]\nlevels = ['a', 'b', 'c', 'd']",
        edit=lambda f: f.assign(age=f["age"].where(f["group"] != "d", None)),
    ),
    "terms that say the same": data(
        "collinear",
        "'age', 'months'",
        "take a term out",
        formula="group + age + months",
        edit=lambda f: f.assign(months=f["age"] * 12),
    ),
    "everything missing": data(
        "every row was left out (32 because age is missing)", "complete those columns", edit=column("age", None)
    ),
    "a text for everyone": data("column 'who' has 32 different texts", "too many for a group", "list its levels", formula="who"),
    "gaps beside a level called unknown": data(
        "column 'group' has gaps and also a level 'unknown'",
        "rename the level",
        model='missing = "level"',
        edit=lambda f: f.assign(group=[None, "unknown", *f["group"][2:]]),
    ),
    "a level for gaps in a number": data(
        "column 'age' is continuous", 'set missing = "drop"', rest="[variables.age]\nmissing = 'level'", edit=cell(5, "age", None)
    ),
    "a number marginalised": data(
        "column 'age' is continuous, so missing = \"marginalise\"",
        "make it a group by listing its levels",
        rest="[variables.age]\nmissing = 'marginalise'",
        edit=cell(5, "age", None),
    ),
    "a number that is not applicable": data(
        "column 'age' is continuous, so missing = \"not-applicable\"",
        'set missing = "drop"',
        rest="[variables.age]\nmissing = 'not-applicable'",
        edit=cell(5, "age", None),
    ),
    "gaps in spells of one subject": data(
        "row 5 has a gap in a covariate to be marginalised, and rows are spells of one subject",
        'set missing = "drop" or "level"',
        endpoint="id = 'who'\nentry = 'entry'",
        model=MARGINALISE,
        edit=lambda f: two_spells_each(cell(5, "group", None)(f)),
    ),
    "gaps that may be filled in too many ways": data(
        "[model] missing: the gaps of 'g0'",
        "can be filled in 2187 ways, and more than 1000 are not added up",
        "or merge levels",
        formula=" + ".join(f"g{k}" for k in range(7)),
        model=MARGINALISE,
        edit=lambda f: f.assign(**{f"g{k}": [None, *np.random.default_rng(k).choice(list("abc"), ROWS - 1)] for k in range(7)}),
    ),
    "one level among the gaps": data(
        "column 'sex' is constant: every analysed row has 'm'",
        "take it out of the formula",
        formula="sex + age",
        model=MARGINALISE,
        edit=lambda f: f.assign(sex=f["sex"].where(f["sex"] == "m", None)),
    ),
    "nothing but gaps": data(
        "column 'sex': no analysed row has a value",
        "take it out of the formula",
        formula="sex + age",
        model=MARGINALISE,
        edit=column("sex", None),
    ),
    "a level that is known of nobody": data(
        "column 'group'",
        "no analysed row has level 'd'",
        "take it out of levels",
        model=MARGINALISE,
        rest="[variables.group]\nlevels = ['a', 'b', 'c', 'd']",
        edit=lambda f: f.assign(group=f["group"].where(f["group"] != "d", None)),
    ),
    "an interaction known of nobody": data(
        "term 'group:sex'",
        "over the 0 analysed rows where it is known",
        "take it out of the formula",
        formula="group * sex",
        model=MARGINALISE,
        edit=lambda f: f.assign(
            group=f["group"].where(np.arange(ROWS) % 8 > 3, None), sex=f["sex"].where(np.arange(ROWS) % 8 < 4, None)
        ),
    ),
    "nobody but those not applicable": data(
        "column 'sex' is constant: every analysed row has 'not-applicable'",
        "take it out",
        formula="sex + age",
        model="missing = 'not-applicable'",
        edit=column("sex", None),
    ),
    "the logarithm of 0": data("row 5, term 'log(age)'", "correct the value", formula="log(age)", edit=cell(5, "age", 0)),
    "two groups pooled": data(
        "'sex' has 2 groups", "leave its effects independent", formula="sex", model="effects = { sex = 'pooled' }"
    ),
    "two groups crossed with two, pooled": data(
        "'sex:site' crosses 2 groups with 2",
        "leave its effects independent",
        formula="sex*site",
        model="effects = { 'sex:site' = 'pooled' }",
        edit=column("site", ["x", "y", "y", "x"] * (ROWS // 4)),
    ),
    "an interaction with a number pooled": analysis(
        "'age' of 'age:group' is continuous",
        "leave it independent",
        formula="age*group",
        model="effects = { 'age:group' = 'pooled' }",
    ),
    "more effects expected than there are": data(
        "nonzero = 40 of 'group:sex', which has",
        'set pooling = "pooled"',
        formula="group*sex",
        model="effects = { 'group:sex' = { pooling = 'horseshoe', nonzero = 40 } }",
    ),
    "a number pooled": analysis("'age' is continuous", "leave it independent", model="effects = { age = 'pooled' }"),
    "a spline too rich": data("'bs(age, df=60)'", "take", formula="bs(age, df=60)"),
}


def two_spells_each(frame: pd.DataFrame) -> pd.DataFrame:
    """Two rows a subject: to 20 months without an event, then to 40 with one."""
    odd = np.arange(ROWS) % 2 == 1
    who = [f"p{row // 2}" for row in range(ROWS)]
    return frame.assign(who=who, entry=np.where(odd, 20, 0), time=np.where(odd, 40, 20), event=odd.astype(int))


def many_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Three hundred more columns with long names."""
    return pd.concat([frame, pd.DataFrame(1, index=frame.index, columns=[f"c{i:04}" * 9 for i in range(300)])], axis=1)


LONG = {
    "a very long value": data("row 5, column 'age' is 'xxx", "must be a number", edit=cell(5, "age", "x" * 5000)),
    "very many columns": data("column 'ages'", "did you mean 'age'?", "more.", formula="ages", edit=many_columns),
    "very many levels": data(
        "row 5, column 'group' is 'e'",
        "add it to levels",
        edit=cell(5, "group", "e"),
        rest=f"[variables.group]\nlevels = {['a', 'b', 'c', 'd', *(f'level number {i}' for i in range(200))]}",
    ),
    "very many cuts": analysis("model.cuts = [400, 399", "must increase", model=f"{PIECEWISE}cuts = {list(range(400, 0, -1))}"),
    "very many bad rows": data(
        "row 1, column 'time'", "32 rows break this rule: 1, 2, 3, 4, 5 and 27 more", edit=column("time", -1)
    ),
}
