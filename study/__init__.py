"""Commands around the pipeline: they read what the stages wrote, no stage depends on them.

The line below makes them use the library beside them, whatever is installed.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
