"""The address at which TensorBoard shows the most important curves first."""

import json
import sys
from urllib.parse import quote

TENSORBOARD = "http://127.0.0.1:6006/"
PAGE = "#timeseries"
PINNED = ("rewards_per_episode/mean", "steps_per_episode/mean", "loss/action_entropy", "loss/loss")


def pinned_address() -> str:
    """Return the address of the page Time Series with the curves `PINNED` at its top; the page sorts others by name.

    The parameter is that of TensorBoard's own addresses (`DashboardDeepLinkProvider` in its source).
    """
    cards = [{"plugin": "scalars", "tag": tag} for tag in PINNED]
    # Only characters that terminals accept in addresses stay as they are.
    return f"{TENSORBOARD}?pinnedCards={quote(json.dumps(cards, separators=(',', ':')), safe=',:/')}{PAGE}"


def shown_address() -> str:
    """Return `pinned_address` for a line of the output: on a terminal, a short address that links to it.

    Terminals that know no links ignore the control characters (OSC 8), and show the short address, which opens the
    same page with nothing pinned.
    """
    if not sys.stdout.isatty():
        return pinned_address()
    return f"\033]8;;{pinned_address()}\033\\{TENSORBOARD}{PAGE}\033]8;;\033\\"


if __name__ == "__main__":
    print(f"The most important curves first: {pinned_address()}")
