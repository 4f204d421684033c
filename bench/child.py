"""The script of the child processes: `count FOLDER KEY …` under valgrind, `serve NAME DESCRIPTOR`.

It imports as little as it can: under valgrind each module takes fifty times as long.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from bench.logs import write_logs_to_nowhere

if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    write_logs_to_nowhere()
    if verb == "count":
        from bench.callgrind import run_counted
        from bench.cases import CASES
        from bench.guards import GUARD_CASES

        run_counted({case.key: case for case in (*CASES, *GUARD_CASES)}, words[0], words[1:])
    else:
        from bench.serving import serve

        serve(words[0], int(words[1]))
