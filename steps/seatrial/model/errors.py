"""Three kinds of bad news, three types, and three for what was asked of us.

Nonconformant   the implementation is wrong: a finding against an instance
Inconclusive    we cannot tell: evidence is incomplete, or a Given or When could not be brought about
HarnessFault    we broke
UsageError      what the user asked for makes no sense: unknown rule, bad descriptor (exit 4)
NotRunnable     what a scenario asks for cannot be had of this implementation, by its own descriptor
NotReady        environment or implementation never got ready; says whose fault it is (exit 6)
"""


class Nonconformant(AssertionError):
    """The implementation broke a rule. `findings` says who, what was expected and what was observed."""

    def __init__(self, findings: "tuple[object, ...]") -> None:
        super().__init__("\n".join(str(f) for f in findings))
        self.findings = findings


class Inconclusive(Exception):
    """We cannot tell. Never a pass."""


class HarnessFault(Exception):
    """Seatrial itself broke, or claimed something without evidence."""


class UsageError(Exception):
    """The user asked for something that does not exist or contradicts itself; one paragraph says what and where."""


class NotRunnable(Exception):
    """The descriptor rules out what a scenario does or looks at: roles in one process, one instance only. Nobody is to blame."""


class NotReady(Exception):
    """The environment lacks something, or a component never got ready. One paragraph, with the component's last words."""
