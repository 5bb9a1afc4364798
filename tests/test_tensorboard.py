"""TensorBoard on a real run: its data, and its pages in a browser."""

import io
import json
import re
import subprocess
import sys
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from PIL import Image

from paac.summaries.address import PINNED, TENSORBOARD, pinned_address
from paac.summaries.layout import BANDS, CURVES, FIGAR
from paac.training.tf_config import free_ports
from tests.helpers.commands import TIMEOUT_S, TINY, Commands, wait_for

pytestmark = pytest.mark.slow

RUN = "figar/tf"  # TensorBoard's name of the run
EVALUATED = ["--eval_interval", "1000", "--eval_episodes", "1"]
OPTIONS = ["--max_repetition", "4", "--nb_choices", "3", "--max_episode_frames", "120", "--max_global_steps", "2000"]


class Page:
    """A running TensorBoard."""

    def __init__(self, port: int):
        self.address = f"http://127.0.0.1:{port}"
        self._opener = build_opener(ProxyHandler({}))

    def get(self, path: str, body: dict | None = None) -> tuple[bytes, str]:
        """Return the content and its type; a `body` is posted as JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.address}/data/{path}", data, {"Content-Type": "application/json"})
        with self._opener.open(request, timeout=60) as answer:
            return answer.read(), answer.headers["Content-Type"]

    def json(self, path: str, body: dict | None = None):
        return json.loads(self.get(path, body)[0])

    def has_loaded(self) -> bool:
        """Return whether TensorBoard has loaded the run's last curve and last picture."""
        try:
            curves = self.json("plugin/scalars/tags").get(RUN, {})
            return "rewards_per_episode/mean" in curves and "agent_plays" in self.json("plugin/images/tags")[RUN]
        except (OSError, KeyError):
            return False


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    trained = ["-df", "figar", "--entropy", "0.05", "--log_video", "--visualize_convs", *EVALUATED, *OPTIONS, *TINY]
    Commands(folder).run("train.py", *trained)
    port = next(free_ports())
    where = ["--logdir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "output").open("w") as output:
        process = subprocess.Popen([sys.executable, "-m", "tensorboard.main", *where], stdout=output, stderr=output)
    try:
        page = Page(port)
        wait_for(lambda: process.poll() is not None or page.has_loaded())
        assert process.poll() is None, (folder / "output").read_text()
        yield page
    finally:
        process.terminate()
        process.wait(timeout=TIMEOUT_S)


def test_every_curve_exists(page):
    found = set(page.json("plugin/scalars/tags")[RUN])
    groups = {
        "loss": "loss critic_loss_mean actor_objective_mean action_entropy repetition_entropy value_mean",
        "rewards_per_episode": "mean min max std std_over_mean",
        "steps_per_episode": "mean min max std std_over_mean",
        "raw_gradients": "mean stddev min max",
        "action_shares": "NOOP FIRE RIGHT LEFT RIGHTFIRE LEFTFIRE",
        "repetition_shares": "1_plays 3_plays 5_plays",
        "stats": "steps_per_s average_steps_per_s actions_per_s frames_per_s",
        "parameters": "lr softmax_temp",
        "rl": "reward episode_length",
        "evaluation": "mean std min max",
    }
    assert {f"{group}/{name}" for group, names in groups.items() for name in names.split()} <= found
    assert {"global_norm", "plays_per_decision", *PINNED} <= found
    values = page.json("plugin/scalars/scalars?" + urlencode({"run": RUN, "tag": "rl/reward"}))
    assert len(values) > 20


def test_histograms_texts_and_the_graph_exist(page):
    assert set(page.json("plugin/histograms/tags")[RUN]) == {"actions", "repetitions"}
    assert set(page.json("plugin/text/tags")[RUN]) == {"options", "parameters", "session"}
    (text,) = page.json("plugin/text/text?" + urlencode({"run": RUN, "tag": "options"}))
    assert "<table>" in text["text"] and "<strong>4</strong> (default 0)" in text["text"]
    assert page.json("plugin/graphs/info")[RUN]["run_graph"]


def test_the_agents_film_is_an_animated_gif(page):
    assert set(page.json("plugin/images/tags")[RUN]) == {
        *("agent_plays", "convolutions/observation", "convolutions/1", "convolutions/2")
    }
    (shown,) = page.json("plugin/images/images?" + urlencode({"run": RUN, "tag": "agent_plays", "sample": 0}))
    assert shown["step"] == 2000
    content, kind = page.get("plugin/images/individualImage?" + shown["query"])
    assert kind == "image/gif"
    with Image.open(io.BytesIO(content)) as gif:
        assert gif.size == (160, 210) and gif.n_frames > 10


def test_custom_scalars_have_curves_in_every_chart(page):
    found = set(page.json("plugin/scalars/tags")[RUN])
    shown = page.json("plugin/custom_scalars/layout")["category"]
    titles = ["Reward and length", "Policy, losses and speed", "FiGAR", "Evaluations", "Learning"]
    assert [category["title"] for category in shown] == titles
    for chart in (chart for category in shown for chart in category["chart"]):
        if "margin" in chart:
            (series,) = chart["margin"]["series"]
            assert set(series.values()) <= found
        else:
            (pattern,) = chart["multiline"]["tag"]
            assert any(re.match(pattern, tag) for tag in found), chart["title"]
    curve = page.json("plugin/custom_scalars/scalars?" + urlencode({"run": RUN, "tag": "^(plays_per_decision)$"}))
    assert list(curve["tag_to_events"]) == ["plays_per_decision"]


def test_runs_can_be_compared_by_their_options_and_rewards(page):
    columns = page.json("plugin/hparams/experiment", {"experimentName": ""})
    names = {column["name"] for column in columns["hparamInfos"]}
    assert {"game", "arch", "initial_lr", "random_seed", "max_repetition"} <= names
    query = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
        "colParams": [{"hparam": name} for name in sorted(names)]
        + [{"metric": {"tag": "rewards_per_episode/mean", "group": ""}}],
        "startIndex": 0,
        "sliceSize": 10,
    }
    (group,) = page.json("plugin/hparams/session_groups", query)["sessionGroups"]
    assert group["hparams"]["game"] == "pong" and group["hparams"]["max_repetition"] == 4
    assert group["hparams"]["entropy_regularisation_strength"] == 0.05 and group["hparams"]["rgb"] is False
    assert group["name"] == "figar, seed 5"
    values = {metric["name"]["tag"]: metric["value"] for metric in group["metricValues"]}
    assert -21 <= values["rewards_per_episode/mean"] <= 21


def test_the_charts_are_visible_with_reward_first(page, browser):
    browser.show(f"{page.address}/#custom_scalars")
    opened = [*reversed(BANDS), *CURVES, *FIGAR]
    wait_for(lambda: [text for text in browser.texts() if text in opened] == opened)

    def matches() -> list[str]:
        """Return each chart's label with its number of curves."""
        return [text for text in browser.texts() if text.startswith("Matches (")]

    wait_for(lambda: len(matches()) >= len(opened) and "Matches (0)" not in matches())


def test_the_address_of_the_training_pins_curves_to_the_top(page, browser):
    browser.show(pinned_address().replace(TENSORBOARD, f"{page.address}/"))

    def places() -> list[int]:
        """Return where the pinned curves and the first group of the others begin, -1 for each that is missing."""
        text = "".join(browser.texts()).partition(f"Pinned{len(PINNED)} cards")[2]
        return [text.find(tag) for tag in (*PINNED, "action_shares")]

    wait_for(lambda: (found := places())[0] > -1 and found == sorted(found))


def test_runs_are_visible_with_their_options_and_rewards(page, browser):
    browser.show(f"{page.address}/#hparams")
    columns = ["arch", "e", "entropy", "initial_lr", "max_repetition"]
    seen = {"figar, seed 5", "reward, mean of last 50 episodes", "0.022400", "0.10000"}
    wait_for(lambda: seen <= set(browser.texts()))

    def shown_columns() -> list[str]:
        texts = browser.texts()
        table = texts[texts.index("Trial ID") :] if "Trial ID" in texts else []
        return [text for text in table if text in [*columns, "game"]]

    wait_for(lambda: shown_columns() == columns)


def test_the_film_and_the_convolutions_are_visible(page, browser):
    browser.show(f"{page.address}/#images")
    wait_for(lambda: {"agent_plays", "convolutions/1"} <= set(browser.texts()))
    wait_for(lambda: (160, 210) in browser.images() and (0, 0) not in browser.images())


def test_the_options_and_the_network_are_visible(page, browser):
    browser.show(f"{page.address}/#text")
    wait_for(lambda: {"entropy_regularisation_strength", "(default 0.02)", "678,714"} <= set(browser.texts()))
    titles = ["options", "parameters", "session"]
    wait_for(lambda: list(dict.fromkeys(text for text in browser.texts() if text in titles)) == titles)
