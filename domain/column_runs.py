"""Runs of equal values and leaps within a column, as rows: what rules about sensors are made of."""

import numpy as np
from numpy.typing import NDArray

from domain.track import FloatColumn

Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]


def runs(values: FloatColumn | Mask) -> tuple[Rows, Rows]:
    """First and last row of each run of equal values (n,)."""
    if len(values) == 0:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    change = np.flatnonzero(values[1:] != values[:-1])
    return np.concatenate(([0], change + 1)), np.concatenate((change, [len(values) - 1]))


def spans(n: int, first: Rows, last: Rows) -> Mask:
    """The rows (n,) from each first to its last, both included; the spans do not overlap."""
    edge = np.zeros(n + 1, dtype=np.int64)
    edge[first] += 1
    edge[last + 1] -= 1
    return np.cumsum(edge[:-1]) > 0


def leaps(
    values: FloatColumn, time_s: FloatColumn, *, per_s: float, slack: float, longest_s: float
) -> tuple[Mask, Mask]:
    """Spikes and jumps (n,) among the known values (n,) at rising seconds (n,).

    A spike lies between a step that is faster than ``per_s`` and ``slack``, and one back that is too, at most
    ``longest_s`` apart. A jump is the row after a too fast step that does not come back. Steps in a row in one
    direction are one step.
    """
    rows = np.flatnonzero(np.isfinite(values))
    step, time_s = np.diff(values[rows]), time_s[rows]
    fast = np.flatnonzero(np.abs(step) > np.diff(time_s) * per_s + slack)
    rising = step[fast] > 0
    # The fast steps, those in a row as one: the first and the last of each.
    apart = (np.diff(fast) > 1) | (rising[1:] != rising[:-1])
    first, last = fast[np.append(True, apart)[: len(fast)]], fast[np.append(apart, True)[: len(fast)]]
    up = (step[first] > 0).tolist()
    spikes: list[tuple[int, int]] = []
    jumped: list[int] = []
    i = 0
    while i < len(up):  # over the fast steps, few: whether one begins a spike hangs on whether it ended one
        back = i + 1 < len(up) and up[i] != up[i + 1] and time_s[first[i + 1]] - time_s[last[i] + 1] <= longest_s
        if back:
            spikes.append((first[i] + 1, last[i + 1]))
        else:
            jumped.append(last[i] + 1)
        i += 2 if back else 1
    begin, end = np.array(spikes, dtype=np.intp).reshape(-1, 2).T
    spike, jump = np.zeros((2, len(values)), dtype=bool)
    spike[rows] = spans(len(rows), begin, end)
    jump[rows[jumped]] = True
    return spike, jump
