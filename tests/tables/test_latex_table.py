"""A table in LaTeX can be read by LaTeX: a small parser finds every environment closed, every row whole and every sign escaped."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from bayes_rrmm.results import Results
from bayes_rrmm.tables import TABLES, Line, Printed, Table
from bayes_rrmm.tables.latex import escaped

COMMANDS_WITHOUT_CELLS = re.compile(
    r"\\(toprule|midrule|bottomrule|endfirsthead|endhead|endfoot|caption|multicolumn|addlinespace \\multi)"
)


def parsed(latex: str) -> tuple[int, list[list[str]]]:
    """Columns of the specification, and the rows of cells, of a table; asserts what any reader of LaTeX needs."""
    assert latex.startswith("% Needs \\usepackage{array,booktabs,longtable}\n")
    body = "\n".join(line for line in latex.splitlines() if not line.startswith("%"))
    stack: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", body):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    without_escaped = re.sub(r"\\[{}\\]", "", body)
    assert without_escaped.count("{") == without_escaped.count("}")
    assert re.sub(r"\\\$", "", body).count("$") % 2 == 0
    assert body.isascii()
    (columns,) = re.findall(r"\\begin\{(?:tabular|longtable)\}\{(@\{\}.*@\{\})\}", body)
    inside = re.split(r"\\begin\{(?:tabular|longtable)\}", body)[1]
    inside = re.split(r"\\end\{(?:tabular|longtable)\}", inside)[0].split("\n", 1)[1]
    rows = [line for line in inside.splitlines() if line.strip() and not COMMANDS_WITHOUT_CELLS.match(line)]
    for row in rows:
        assert row.endswith(r" \\")
    return columns.count("p{"), [re.split(r"(?<!\\)&", row.removesuffix(r" \\")) for row in rows]


@pytest.mark.parametrize("printed", TABLES, ids=lambda printed: printed.name)
def test_every_table_is_whole(printed: Printed, failed: Results) -> None:
    """Environments are balanced, each row has a cell a column, and the three rules and the label are there."""
    table = printed.make(failed)
    columns, rows = parsed(table.to_latex())
    assert columns == len(table.heads)
    assert {len(row) for row in rows} == {columns}
    body = [line for line in table.lines if not line.is_heading]
    assert len(rows) - len(body) in (1, 2)  # the heads, twice where they are repeated over pages
    assert [row[-1].strip() for row in rows[-len(body) :]] == [escaped(line.cells[-1]) for line in body]
    for rule in (r"\toprule", r"\midrule", r"\bottomrule", rf"\label{{tab:{table.name}}}", r"\textbf{DIAGNOSTICS FAILED: r\_hat"):
        assert rule in table.to_latex()


def test_no_special_sign_is_left(results: Results) -> None:
    """A level called A&B_50% <x> is printed so, in text and in heads."""
    for printed in TABLES:
        latex = printed.make(results).to_latex()
        assert "A&B" not in latex
        assert not re.search(r"(?<!\\)[%_#]", "\n".join(latex.splitlines()[1:]).replace(r"\_", ""))
    assert r"A\&B\_50\% \textless{}x\textgreater{}" in TABLES[0].make(results).to_latex()


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("& % $ # _ { }", r"\& \% \$ \# \_ \{ \}"),
        ("~ ^ \\ < > |", r"\textasciitilde{} \textasciicircum{} \textbackslash{} \textless{} \textgreater{} \textbar{}"),
        ("[a] *", "{[}a{]} {*}"),
        ("\u2265 3 \u2013 5", r"$\geq$ 3 -- 5"),
        ("a--b", "a-{}-b"),
        ("caf\u00e9, Mu\u0308ller, na\u00efve", r"caf\'{e}, M\"{u}ller, na\"{\i}ve"),
        ("\u03b2, \u0394", r"$\beta$, $\Delta$"),
        ("\u0141\u00f3d\u017a, \u00c5", r"\L{}\'{o}d\'{z}, \AA{}"),
        ('say "x"', "say ''x''"),
    ],
)
def test_signs_are_named(text: str, latex: str) -> None:
    """Commands are taken as letters, and letters beyond ASCII by the names that pdflatex knows."""
    assert escaped(text) == latex


def test_other_scripts_ask_for_another_engine() -> None:
    """A letter that pdflatex has no name for stays as it is, and a comment says what the file needs."""
    table = Table("t", "\u6210\u90fd", ("x",), (Line(("1",)),), "l")
    assert "\u6210\u90fd" in table.to_latex()
    assert "% Compile with XeLaTeX or LuaLaTeX" in table.to_latex().splitlines()[1]


def test_a_long_table_goes_over_pages() -> None:
    """More lines than a page has become a longtable with its heads on each page; fewer a float."""
    lines = tuple(Line((str(place), "1")) for place in range(60))
    table = Table("long", "Long", ("x", "y"), lines, "lr", ("note",))
    columns, rows = parsed(table.to_latex())
    assert r"\endhead" in table.to_latex()
    assert (columns, len(rows)) == (2, 62)
    assert r"\begin{table}" in Table("short", "Short", ("x", "y"), lines[:5], "lr").to_latex()


@pytest.mark.external
def test_pdflatex_prints_every_table(failed: Results, tmp_path: Path) -> None:
    """pdflatex compiles all tables without an error or a column that is too wide, and the page shows what the table says."""
    names = []
    for printed in TABLES:
        printed.make(failed).save(tmp_path / f"{printed.name}.tex")
        names.append(rf"\input{{{printed.name}}}\clearpage")
    strange = Line(("\u2265 \u2013 caf\u00e9 \u03b2 [x] * ~ ^ \\ { } $ # | \u2020", "-1"))
    Table("strange", "Signs", ("x", "y"), (strange, strange), "lr").save(tmp_path / "strange.tex")
    head = r"\documentclass{article}\usepackage[a4paper,margin=2cm]{geometry}\usepackage{array,booktabs,longtable}"
    body = "\n".join([head, r"\begin{document}", *names, r"\input{strange}", r"\end{document}"])
    (tmp_path / "all.tex").write_text(body)
    for _ in range(2):  # a longtable knows its widths the second time
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    log = done.stdout.decode("latin-1")
    assert done.returncode == 0, log[-2000:]
    assert not [points for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log) if float(points) > 3]
    text = subprocess.run(["pdftotext", "-layout", "all.pdf", "-"], cwd=tmp_path, capture_output=True, check=True).stdout.decode()
    assert "DIAGNOSTICS FAILED: r" in text
    assert "<x>" in text
    (ratio,) = (line for line in TABLES[1].make(failed).lines if line.cells[0] == "c / b")
    for cell in ratio.cells[1:3]:
        assert cell in text
