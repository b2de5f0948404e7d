"""Where the files are that are not code: in the installed package, else in the checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def features() -> Path:
    """The folder of the feature files."""
    installed = _PACKAGE / "features"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "features"


def descriptors() -> Path:
    """The folder of the descriptors that ship with the package."""
    return _PACKAGE / "adapters" / "descriptors"
