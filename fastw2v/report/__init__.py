"""The report: one page about a model, to look at without a network."""

from fastw2v.report.page import ReportOptions, write_report

__all__ = ["ReportOptions", "write_report"]
