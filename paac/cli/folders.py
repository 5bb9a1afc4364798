"""Walking through folders and the links in them, choosing new names, and showing names."""

import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path


def walk(folder: str | Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Do what `os.walk` does, and follow links to folders, but yield each folder only once, so that loops end.

    Links are followed last: a folder that lies below `folder` itself has its own path.
    """
    known: set[str] = set()
    starts = [str(folder)]
    while starts:
        for path, folders, files in os.walk(starts.pop(0)):
            real_path = os.path.realpath(path)
            if real_path in known:
                folders.clear()
                continue
            known.add(real_path)
            yield path, folders, files
            starts += sorted(link for name in folders if os.path.islink(link := os.path.join(path, name)))


def numbered(name: str) -> Iterator[str]:
    """Yield `name`, `name`-2, `name`-3 and so on: a caller takes the first that is free."""
    yield name
    yield from (f"{name}-{number}" for number in itertools.count(2))


def free_name(name: str) -> str:
    """Return the first `numbered` name that no file, folder or link has."""
    return next(free for free in numbered(name) if not os.path.lexists(free))


def unique_names(names: Iterable[str]) -> list[str]:
    """Return the `names`, where those that are equal to an earlier one are `numbered`."""
    unique: dict[str, None] = {}
    for name in names:
        unique[next(free for free in numbered(name) if free not in unique)] = None
    return list(unique)


def valid_utf8(name: str | Path) -> str:
    """Return a path or name with escape sequences for bytes that are not valid UTF-8; few libraries accept them."""
    return str(name).encode("utf-8", "backslashreplace").decode()
