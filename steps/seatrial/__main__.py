"""`python -m seatrial` is `seatrial`."""

import sys

from seatrial.cli import main

if __name__ == "__main__":
    sys.exit(main())
