"""Python imports this module when it starts a process of a test project."""

import gc
import os
import sys
from pathlib import Path

# Imports create objects that are never released. A sixth of the time of a short process would be
# spent looking for garbage among them.
gc.set_threshold(100_000, 20, 20)

if "COUNT_STAGES" in os.environ and "-m" in sys.orig_argv:
    module = sys.orig_argv[sys.orig_argv.index("-m") + 1]
    if module.startswith("stages."):  # each stage that really runs appends its name to the file
        with Path(os.environ["COUNT_STAGES"]).open("a") as file:
            file.write(module.removeprefix("stages.") + "\n")
