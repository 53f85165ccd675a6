"""Commands around the pipeline. They read the stages' outputs; no stage depends on them.

The line below puts this repository's ``src`` first on the path, before any installed version.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
