"""What LaTeX prints a letter as: its own signs taken as letters, and the letters that pdflatex has under another name."""

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': "''", "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}", "*": "{*}", "\n": " ", "\t": " ", "\u200b": "{}",
}  # fmt: skip
"""What LaTeX would read as a command; brackets and stars it would read so behind a line's end."""

SIGNS = {
    "\u2265": r"$\geq$", "\u2264": r"$\leq$", "\u00b1": r"$\pm$", "\u00d7": r"$\times$", "\u00b7": r"$\cdot$", "\u2212": "$-$",
    "\u2260": r"$\neq$", "\u2248": r"$\approx$", "\u221e": r"$\infty$", "\u2192": r"$\rightarrow$", "\u2190": r"$\leftarrow$",
    "\u2013": "--", "\u2014": "---", "\u2026": r"\ldots{}", "\u2020": r"\dag{}", "\u2021": r"\ddag{}", "\u00a7": r"\S{}",
    "\u00b0": r"$^{\circ}$", "\u00b5": r"$\mu$", "\u00b2": "$^{2}$", "\u00b3": "$^{3}$", "\u00bd": r"$\frac{1}{2}$",
    "\u2018": "`", "\u2019": "'", "\u201c": "``", "\u201d": "''", "\u00ab": "``", "\u00bb": "''", "\u00a0": "~",
    "\u202f": r"\,", "\u2009": r"\,", "\u2010": "-", "\u2011": "-", "\u00df": r"\ss{}", "\u00f8": r"\o{}", "\u00d8": r"\O{}",
    "\u00e6": r"\ae{}", "\u00c6": r"\AE{}", "\u0153": r"\oe{}", "\u0152": r"\OE{}", "\u0142": r"\l{}", "\u0141": r"\L{}",
    "\u0131": r"\i{}", "\u00e5": r"\aa{}", "\u00c5": r"\AA{}", "\u20ac": "EUR", "\u03b1": r"$\alpha$", "\u03b2": r"$\beta$",
    "\u03b3": r"$\gamma$", "\u03b4": r"$\delta$", "\u03b5": r"$\varepsilon$", "\u03b6": r"$\zeta$", "\u03b7": r"$\eta$",
    "\u03b8": r"$\theta$", "\u03b9": r"$\iota$", "\u03ba": r"$\kappa$", "\u03bb": r"$\lambda$", "\u03bc": r"$\mu$",
    "\u03bd": r"$\nu$", "\u03be": r"$\xi$", "\u03c0": r"$\pi$", "\u03c1": r"$\rho$", "\u03c3": r"$\sigma$", "\u03c4": r"$\tau$",
    "\u03c5": r"$\upsilon$", "\u03c6": r"$\varphi$", "\u03c7": r"$\chi$", "\u03c8": r"$\psi$", "\u03c9": r"$\omega$",
    "\u0393": r"$\Gamma$", "\u0394": r"$\Delta$", "\u0398": r"$\Theta$", "\u039b": r"$\Lambda$", "\u039e": r"$\Xi$",
    "\u03a0": r"$\Pi$", "\u03a3": r"$\Sigma$", "\u03a5": r"$\Upsilon$", "\u03a6": r"$\Phi$", "\u03a8": r"$\Psi$",
    "\u03a9": r"$\Omega$",
}  # fmt: skip
"""Signs and Greek letters, by their code points in the order of: comparison and arithmetic, arrows and dashes, marks of notes,
powers, quotation marks, spaces and hyphens, Latin letters without a base letter, Greek."""

ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".", "\u0308": '"',
    "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c", "\u0328": "k",
}  # fmt: skip
"""The command of each combining accent."""
