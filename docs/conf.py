"""Configuration of the documentation site; `make docs` builds it."""

import os
import shutil
import sys
import tomllib
from pathlib import Path
from types import GenericAlias

DOCS = Path(__file__).parent
ROOT = DOCS.parent
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path[:0] = [str(DOCS), str(ROOT / "src"), str(ROOT)]

from generate import commands, modules, parameters  # noqa: E402

project = "vocalseg"
author = "The vocalseg authors"
project_copyright = author
release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_copybutton",
]
exclude_patterns = ["generated/*.md", "modules.md"]  # pages include them
templates_path = ["_templates"]

myst_heading_anchors = 4
highlight_language = "none"  # blocks without a language are shell commands
myst_enable_extensions = ["deflist"]
nb_execution_mode = "off"  # tests execute the notebook; the site shows it as committed

autosummary_generate = ["modules.md"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc's sections have the types
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"vocalseg {release}"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]


def write_generated_pages(app):
    """Write the pages and parts of pages that are derived from the code."""
    folder = DOCS / "generated"
    folder.mkdir(exist_ok=True)
    pages = {folder / "parameters.md": parameters, folder / "commands.md": commands}
    pages[DOCS / "modules.md"] = modules  # beside api.md: its paths are relative to it
    for page, generate in pages.items():
        content = generate(ROOT)
        if not page.exists() or page.read_text(encoding="utf-8") != content:  # else not read again
            page.write_text(content, encoding="utf-8")
    for stub in (folder / "api").glob("*.rst"):  # of modules that were renamed or removed
        if f"   {stub.stem}\n" not in content:
            stub.unlink()
    shutil.copy2(ROOT / "notebooks/first-look.ipynb", folder)


def skip_type_aliases(app, what, name, obj, skip, options):
    """Leave out names for types such as ``dict[str, float]``, which autodoc takes for classes."""
    return True if isinstance(obj, GenericAlias) else None


def setup(app):
    app.connect("builder-inited", write_generated_pages, priority=100)  # before autosummary
    app.connect("autodoc-skip-member", skip_type_aliases)
