"""The role `apiserver`: the hub that everybody talks to, and the only one that talks to the store. Rules: API-01, REQ-01, COMM-05.

`main` accepts another `part` in place of `ApiServer`; flags are those of kube-apiserver.
"""

from seatrial_reference.apiserver.assembly import main, parser

__all__ = ["main", "parser"]
