"""The priors of a small group's grid as a forest: what each expects, what the posterior then says, and what the prior weighs."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

from matplotlib.figure import Figure

from bayes_rrmm.plots.dossier_frame import UNSOUND, asked, failed_handle, framed, on_side, passed, sides
from bayes_rrmm.plots.interval_rows import Block, Columns, Line
from bayes_rrmm.plots.ratio_axis import LOOKS, Look, key_of, limits_of
from bayes_rrmm.plots.ratio_blocks import Sheet, draw_sheet
from bayes_rrmm.plots.ratio_rows import ratio_text
from bayes_rrmm.plots.style import Column, house_style
from bayes_rrmm.results import Source
from bayes_rrmm.rounding import figure_of, interval_words
from bayes_rrmm.sensitivity.dossier_folder import DossierSource

Row = Mapping[Hashable, Any]
PALE_PRIOR = Look("#F3CE85", "D", "#7A5000", 4.0, "-", 2.6, "#7A5000")
WIDEST = 6.0
"""Prior intervals that reach further from 1 than this factor end in an arrow, unless a posterior does so too."""


def prior_grid(dossier: DossierSource, source: Source, *, column: Column = "double", title: str | None = None) -> Figure:
    """A row a prior of the grid: its own interval of the hazard ratio, pale, above the posterior's median and interval, dark, with
    P(HR on its side of 1) and what the prior weighs, in events of the group, or of both groups where no number of the group's alone
    weighs as much.

    A prior as analysed that is no single normal statement has no interval of its own. `dossier` is a small group, a dossier or its
    folder, `source` the fit or run it belongs to. Raises RunFolderError where the dossier is another fit's.
    """
    found, frame = framed(dossier, source, column, title, "What each prior makes of it")
    table = found.to_dataframe("priors")
    rows = table.to_dict("records")
    chances, good = on_side(found, table), passed(table)
    blocks = [_block(row, p, ok, asked(found)) for row, p, ok in zip(rows, chances, good, strict=True)]
    posterior = [line.values for block in blocks for line in block.lines if line.values and line.look is not PALE_PRIOR]
    prior = [line.values for block in blocks for line in block.lines if line.values and line.look is PALE_PRIOR]
    reach = [value for values in posterior for value in values]
    reach += [min(max(value, 1 / WIDEST), WIDEST) for values in prior for value in values]
    handles = [
        key_of(PALE_PRIOR, "prior: centre and 95% interval"),
        key_of(LOOKS["bayes"], f"posterior median, {interval_words('eti', found.prob)}"),
    ]
    handles += [] if good.all() else [failed_handle()]
    columns = Columns((), ("HR [interval]", "HR [interval]"), (asked(found), "prior weighs"))
    with house_style():
        figure, _, _ = draw_sheet(frame, Sheet(blocks, columns, limits_of(reach), None, handles, sides(found)))
        told = [f"{block.label} {block.lines[-1].text}, {asked(found)} {block.after[0]}" for block in blocks]
        size = f"{found.sizes.patients:g} patients, {found.sizes.events:g} events"
        return frame.complete(figure, f"Hazard ratio of {found.label} ({size}) under each prior: {'; '.join(told)}.")


def _block(row: Row, chance: float, passed: bool, asked: str) -> Block:
    """The prior's own line, then the posterior's."""
    prior = tuple(float(row[name]) for name in ("centre", "prior_lower", "prior_upper"))
    posterior = tuple(float(row[name]) for name in ("hr", "lower", "upper"))
    stated, known = not math.isnan(prior[0]), not math.isnan(posterior[0])
    lines = [Line(PALE_PRIOR, (prior[0], prior[1], prior[2]), ratio_text((prior[0], prior[1], prior[2])))] if stated else []
    text = ratio_text((posterior[0], posterior[1], posterior[2])) if known else "no draws"
    look = LOOKS["bayes"] if passed else UNSOUND
    lines.append(Line(look, (posterior[0], posterior[1], posterior[2]) if known else None, text if passed else f"{text} failed"))
    p, weight = figure_of(chance, "probability"), _weight(row)
    folded = (f"{asked} {p}", *([f"weighs {weight}"] if weight != "-" else []))
    return Block(str(row["prior"]), (), tuple(lines), (p, weight), folded)


def _weight(row: Row) -> str:
    """What the prior weighs in events."""
    own, both = float(row["prior_own_events"]), float(row["prior_events"])
    if math.isfinite(own):
        return f"{figure_of(own, 'events')} events"
    return f"{figure_of(both, 'events')} of both" if math.isfinite(both) else "-"
