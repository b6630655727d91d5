"""How many of 10,000 files fail because Lambda throttles them, in simulation: python -m bench.concurrency.

The children of the map run as the state machine defines them: the Retry of its task Preprocess, and five minutes for
each child. The account allows some functions at once, of which others may use a part all the time.
"""

from __future__ import annotations

import heapq
import json
import random
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from mars_aurora.steps.open import share_concurrency

DEFINITION = Path(__file__).parents[1] / "statemachine" / "detect_auroras.asl.json"
EACH_FILE = "Preprocess and classify each file"
THROTTLED = "Lambda.TooManyRequestsException"
CHILD_S, FILE_S, FILES, MOST = 300.0, 1.8, 10_000, 1000


@dataclass(frozen=True)
class Retry:
    """When a throttled task is repeated."""

    interval_s: float
    rate: float
    most_s: float
    attempts: int


@dataclass(frozen=True)
class Passed:
    """Files that are left after a pass of the map, and how long it took."""

    left: int
    hours: float


def read_retry() -> Retry:
    """Return what the state machine defines."""
    task: dict[str, Any] = json.loads(DEFINITION.read_text())["States"][EACH_FILE]["ItemProcessor"]["States"][
        "Preprocess"
    ]
    (rule,) = (rule for rule in task["Retry"] if THROTTLED in rule["ErrorEquals"])
    return Retry(rule["IntervalSeconds"], rule["BackoffRate"], rule["MaxDelaySeconds"], rule["MaxAttempts"])


def simulate(files: int, children: int, functions: int, retry: Retry, seed: int = 0) -> Passed:
    """Process files by a number of children at once, of which each needs one of the functions."""
    random_ = random.Random(seed)  # noqa: S311 -- not a secret
    order = count()
    events: list[tuple[float, int, str, float, int]] = []  # time, order, what, start of the child, attempts

    def begin(now_s: float) -> None:
        heapq.heappush(events, (now_s, next(order), "invoke", now_s, 0))

    waiting, running, failed, now_s = files - min(files, children), 0, 0, 0.0
    for _ in range(min(files, children)):
        begin(0.0)
    while events:
        now_s, _, what, start_s, attempts = heapq.heappop(events)
        if what == "invoke" and running < functions:
            running += 1
            heapq.heappush(events, (now_s + FILE_S, next(order), "end", start_s, attempts))
            continue
        if what == "invoke":
            delay_s = random_.uniform(0, min(retry.interval_s * retry.rate**attempts, retry.most_s))
            if attempts < retry.attempts and now_s + delay_s + FILE_S < start_s + CHILD_S:
                heapq.heappush(events, (now_s + delay_s, next(order), "invoke", start_s, attempts + 1))
                continue
            failed += 1
        else:
            running -= 1
        if waiting:
            waiting -= 1
            begin(now_s)
    return Passed(failed, now_s / 3600)


def run_twice(files: int, children: int, functions: int, retry: Retry) -> tuple[Passed, Passed]:
    """Process files, and once more what is left."""
    first = simulate(files, children, functions, retry)
    return first, simulate(first.left, children, functions, retry, 1)


def main() -> None:
    retry = read_retry()
    print(f"{FILES} files of {FILE_S} s each; children at once; failed after the first and the second pass; hours")
    for limit, used in ((10, 0), (10, 5), (10, 9), (100, 0), (100, 60), (400, 0), (1000, 0)):
        children = share_concurrency(limit, 1, MOST)
        first, second = run_twice(FILES, children, limit - used, retry)
        hours = first.hours + second.hours
        print(f"{limit:5} allowed, {used:2} used by others: {children:4}  {first.left:6} {second.left:6}  {hours:6.2f}")
    for limit in (10, 100, 400):
        first = simulate(FILES, MOST, limit, Retry(1, 2, 20, 12))
        print(f"{limit:5} allowed, 1000 children with 12 attempts: {first.left / FILES:.0%} failed")


if __name__ == "__main__":
    main()
