"""Resource quantities: `100m`, `2`, `1.5Gi`, `1e3`. Exact, because requests are summed and compared."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from types import MappingProxyType

_SUFFIX: Mapping[str, Decimal] = MappingProxyType(
    {
        "Ki": Decimal(2**10),
        "Mi": Decimal(2**20),
        "Gi": Decimal(2**30),
        "Ti": Decimal(2**40),
        "Pi": Decimal(2**50),
        "Ei": Decimal(2**60),
        "n": Decimal("1e-9"),
        "u": Decimal("1e-6"),
        "m": Decimal("1e-3"),
        "k": Decimal(10**3),
        "M": Decimal(10**6),
        "G": Decimal(10**9),
        "T": Decimal(10**12),
        "P": Decimal(10**15),
        "E": Decimal(10**18),
    }
)


@cache
def quantity(text: str) -> Decimal:
    """The value in base units. Raises decimal.InvalidOperation where it is none."""
    for size in (2, 1):
        unit = _SUFFIX.get(text[-size:])
        if unit is not None:
            return Decimal(text[:-size]) * unit
    return Decimal(text)
