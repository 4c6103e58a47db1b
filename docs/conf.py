"""How Sphinx builds the site: `make docs`, which fetches nothing.

The API page is written out of the docstrings of the Python source, never of the
compiled core, so that signatures have their types.
"""

import builtins
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import (
    SOURCE_SUFFIXES,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from pathlib import Path
from types import ModuleType

from docutils.nodes import document
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "src"))


class SourceOnly(MetaPathFinder):
    """Find modules as source, even where extensions are built."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if path is None or not fullname.startswith("unpacket."):
            return None
        finders = (FileFinder(p, (SourceFileLoader, SOURCE_SUFFIXES)) for p in path)
        return next(filter(None, (f.find_spec(fullname) for f in finders)), None)


sys.meta_path.insert(0, SourceOnly())

import unpacket  # noqa: E402 -- the finder comes first

project = "unpacket"
author = "the authors of unpacket"
project_copyright = "the authors of unpacket, Apache-2.0"
version = release = unpacket.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["look", "pictures"]
myst_heading_anchors = 3
napoleon_use_ivar = True
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_display_short_literal_types = True
add_module_names = False
# Nothing is fetched, so what other projects document has no link: the standard
# library, and our own names that are no part of the interface.
nitpick_ignore_regex = [
    (r"py:.*", r"(asyncio|contextlib|collections|enum|array|types|typing|os|abc)\..*"),
    (
        r"py:.*",
        r"(Any|Callable|Iterator|Iterable|AsyncGenerator|PathLike|TracebackType|Unpack)",
    ),
    (r"py:.*", r".*(_core\.|sinks\.|tools\.|Callback|Consume|Inform|Progress).*"),
    (r"py:.*", r"'.*'|Gaps|Limits|Tool|BpfLike|Capture|Batch"),
    # Described where they are given, and of no page of their own.
    (
        r"py:.*",
        r"(.*\.)?(Answer|Body|Choice|ClockDistance|Column|Device|Hole|KeptNotes|Keys|Live"
        r"|time_ns)",
    ),
    (r"py:.*", r"PatternError|MissingCiphers|MissingEngine"),
    # What callbacks get is in the text, and what they return is not looked at.
    (r"py:.*", r"(.*\.)?(On[A-Z]\w+|Returned|\w+Options)"),
]

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = f"unpacket {version}"
html_static_path = ["look"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False

# What a class has are not its variables.
for field in PyObject.doc_field_types:
    if field.name == "variable":
        field.label = "Attributes"


def keep_builtins(app: Sphinx, tree: document) -> None:
    """Let `bytes` be Python's, also within a class that has an attribute `bytes`."""
    for node in list(tree.findall(pending_xref)):
        if node["refdomain"] == "py" and hasattr(builtins, node["reftarget"]):
            node.replace_self(node.children)


def setup(app: Sphinx) -> None:
    """Take part in the building of the site."""
    app.connect("doctree-read", keep_builtins)
