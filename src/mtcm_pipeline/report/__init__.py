"""The report: one page that opens in a browser, without a server or a network."""
