"""The report: one page that opens in a browser, without a server or a network."""

from mtcm_pipeline.report.page import ReportContent, build_report

__all__ = ["ReportContent", "build_report"]
