"""The address that pins curves in TensorBoard."""

import io
import json
import re
from urllib.parse import parse_qs, urlsplit

from paac.summaries.address import PINNED, pinned_address, shown_address
from tests.helpers import ROOT


def test_the_address_pins_the_curves_on_the_page_time_series():
    parts = urlsplit(pinned_address())
    assert (parts.netloc, parts.fragment) == ("127.0.0.1:6006", "timeseries")
    (cards,) = parse_qs(parts.query)["pinnedCards"]
    assert json.loads(cards) == [{"plugin": "scalars", "tag": tag} for tag in PINNED]


def test_terminals_see_the_whole_address_as_one_link():
    assert re.fullmatch(r"[\w:/.?=%,#]+", pinned_address())


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_short_text_that_links_to_the_address(monkeypatch):
    assert shown_address() == pinned_address()  # pytest captures the output
    monkeypatch.setattr("sys.stdout", Terminal())
    link, text, end = re.fullmatch(r"\033]8;;(.+?)\033\\(.+?)\033]8;;(.*?)\033\\", shown_address()).groups()
    assert (link, text, end) == (pinned_address(), "http://127.0.0.1:6006/#timeseries", "")


def test_the_documentation_has_the_same_address():
    assert f"[pinned]: {pinned_address()}\n" in (ROOT / "docs/tensorboard.md").read_text("utf-8")
