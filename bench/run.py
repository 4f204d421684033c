"""The script behind `nox -s bench`; `--help` tells what it takes.

With `python -P` the folder of this file is not searched for modules: the checkout comes
last, so that what is installed is what is measured.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from bench.main import main

if __name__ == "__main__":
    sys.exit(main())
