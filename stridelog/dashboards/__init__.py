"""Grafana dashboards as code: ``python -m stridelog.dashboards`` writes them to deploy/grafana/dashboards.

Nothing that runs imports this: the package that it needs, grafana-foundation-sdk, is for development only.
"""
