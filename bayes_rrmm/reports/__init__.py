"""The report: one HTML file that opens offline, and every figure and table as a file. Sole owner of the template engine."""

from bayes_rrmm.reports.files import write_figures, write_tables
from bayes_rrmm.reports.page import Report, read_dossiers, report

__all__ = ["Report", "read_dossiers", "report", "write_figures", "write_tables"]
