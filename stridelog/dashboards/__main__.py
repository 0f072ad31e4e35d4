"""``python -m stridelog.dashboards``: write deploy/grafana/dashboards anew."""

from stridelog.dashboards.build import write

for path in write():
    print(path)
