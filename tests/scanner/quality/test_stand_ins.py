"""The stand-ins for other scanners' tests, a part of them: recall by kind, and what must stay unreported."""

import pytest
from bench.scanner_quality import negatives, rule_cases

pytest.importorskip("hyperscan")


@pytest.mark.slow
def test_most_kinds_are_found_in_most_ways_of_writing() -> None:
    tried, found, kinds = rule_cases.measure(share=0.04)
    assert sum(rate >= 0.5 for rate in kinds.values()) / len(kinds) >= 0.85
    assert sum(found.values()) / sum(tried.values()) >= 0.85


def test_near_misses_are_not_reported() -> None:
    tried, found = negatives.reports()
    assert len(found) / tried <= 0.03, found
