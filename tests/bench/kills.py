"""`make bench NAME=kills`: ten workers killed in mid-call at random moments; what became of the
calls.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.killing import kill_workers
from workers.embedded import embedded_valkey


def main() -> None:
    """Print one JSON object; every call must be done, and no turn there twice."""
    with TemporaryDirectory(prefix="ovt-") as folder:
        socket = Path(folder) / "v.sock"
        with embedded_valkey(socket, Path(folder) / "queue"):
            outcome = kill_workers(Path(folder), f"unix://{socket}", kills=10, seed=204)
    sys.stdout.write(json.dumps(asdict(outcome)) + "\n")


if __name__ == "__main__":
    main()
