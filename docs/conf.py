"""The site, which `make docs` builds: pages in Markdown, formulas as MathML, figures from `reports/`."""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

_project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
project = _project["name"]
version = release = _project["version"]
author = project
copyright = "the authors of bptt-oracle, Apache-2.0"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "bptt_docs"]
exclude_patterns = ["_ext", "_static", "_build"]
default_role = "py:obj"
bptt_reports = str(HERE.parent / "reports")

myst_enable_extensions = ["colon_fence", "dollarmath", "substitution"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_attr_annotations = False
napoleon_custom_sections = [("Attributes", "params_style")]  # names alone: the types are in the signature
python_use_unqualified_type_names = True
maximum_signature_line_length = 140
add_module_names = False
toc_object_entries = False

html_theme = "furo"
html_title = "bptt-oracle"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_last_updated_fmt = None
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
