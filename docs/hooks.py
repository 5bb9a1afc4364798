"""Makes the README the first page of the website, and lets links to files of the project work there."""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PICTURES = "pretrained/*.gif", "pretrained/*.png", "script/benchmarking/*.png"
REPOSITORY = "https://github.com/jolibrain/manette/blob/master"
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def on_files(files: Files, config: Any) -> Files:
    """Add the README, and the project's pictures as images/NAME; mkdocs calls it before it builds the pages."""
    files.append(File.generated(config, "index.md", abs_src_path=str(ROOT / "README.md")))
    for picture in _pictures():
        name = f"images/{picture.name}"
        if files.get_file_from_path(name):
            raise PluginError(f"{picture} and another picture would both be {name} on the website: rename one")
        files.append(File.generated(config, name, abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Change the links of a page, which lead to files of the repository; mkdocs calls it for each page.

    On the website the pictures are where `on_files` puts them, and other files outside docs/ are those on GitHub.
    """
    folder = "" if page.file.src_uri == "index.md" else "docs"
    pictures = {picture.relative_to(ROOT).as_posix(): f"images/{picture.name}" for picture in _pictures()}

    def on_website(link: re.Match[str]) -> str:
        file = posixpath.normpath(posixpath.join(folder, link[1]))
        if file == "README.md":
            return "](index.md"
        return f"]({pictures.get(file) or (file[5:] if file.startswith('docs/') else f'{REPOSITORY}/{file}')}"

    return LINK.sub(on_website, markdown)


def _pictures() -> list[Path]:
    return [picture for pattern in PICTURES for picture in sorted(ROOT.glob(pattern))]
