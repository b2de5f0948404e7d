"""Versions are compared as numbers, not as text."""

import pytest

from seatrial.model.versions import within


@pytest.mark.parametrize(
    ("version", "bounds", "holds"),
    [
        ("1.36.1", ">=1.35 <1.37", True),
        ("1.37", ">=1.35 <1.37", False),
        ("1.9", "<1.10", True),
        ("1.35", "==1.35.0", True),
        ("1.35.0", "!=1.35", False),
        ("v1.36.0-rc.1", ">=1.36", True),
        ("2", "> 1.99", True),
        ("2", "<= 1.99", False),
        ("anything", "", True),
    ],
)
def test_within(version: str, bounds: str, *, holds: bool) -> None:
    assert within(version, bounds) is holds
