"""The HTML page that `script/report.py` writes."""
