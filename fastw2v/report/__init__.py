"""A model to look at: a page that needs no network, and static pictures.

Imports `model`, `evaluation`, `training`, `objectives`, `kernels`, `system`, `config`, `callbacks`.
bokeh, umap-learn and matplotlib are imported when something is drawn.
"""

from fastw2v.report.page import ReportOptions, WrittenReport, write_report

__all__ = ["ReportOptions", "WrittenReport", "write_report"]
