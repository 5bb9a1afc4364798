"""Words and lines of messages: counts with their nouns, and names that the user may have meant."""

import difflib
import re
from collections.abc import Iterable, Mapping

MAX_SIMILAR = 3  # names in one message


def counted(number: int, noun: str) -> str:
    """Return the number with the noun in its singular or plural: "1 run", "2 runs", "1,000 processes"."""
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{number:,} {noun if number == 1 else plural}"


def print_lines(lines: Iterable[str]) -> None:
    """Print those of the lines that are not empty, in one write.

    A second write would fail if a reader such as `head -1` had closed the pipe.
    """
    print("".join(f"{line}\n" for line in lines if line), end="", flush=True)


def did_you_mean(typed: str, known: Iterable[str] | Mapping[str, str]) -> str:
    """Return "; did you mean A or B?" with the known names that are similar to `typed`, "" if there are none.

    Only letters and digits are compared, and upper case equals lower case. A mapping gives for each spelling the name
    to show.
    """
    shown = known if isinstance(known, Mapping) else {name: name for name in known}
    spellings: dict[str, str] = {}
    for spelling, name in shown.items():
        spellings.setdefault(_letters(spelling), name)
    letters = _letters(typed)
    if not letters:
        return ""
    similar = (
        [known for known in spellings if known == letters]
        or [known for known in spellings if known.startswith(letters)]
        or difflib.get_close_matches(letters, spellings, n=1)
        or [known for known in spellings if len(letters) > 3 and letters in known]
    )
    names = dict.fromkeys(spellings[known] for known in similar[:MAX_SIMILAR])
    return f"; did you mean {' or '.join(names)}?" if names else ""


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())
