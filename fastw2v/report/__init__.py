"""A model to look at: a page that needs no network, and static pictures.

Imports `model`, `evaluation`, `training`, `objectives`, `kernels`, `system`, `config`, `callbacks`.
bokeh and matplotlib are imported when something is drawn.
"""

from fastw2v.report.page import ReportOptions, write_report

__all__ = ["ReportOptions", "write_report"]
