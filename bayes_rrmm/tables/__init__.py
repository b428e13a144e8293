"""Tables for print: CSV, LaTeX, Word and HTML."""
