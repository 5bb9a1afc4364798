"""The TensorBoard events that a training writes."""

import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

from networks.registry import make_network
from paac.cli.options import resolve
from paac.learner import GradientStatistics, Update
from paac.loss import Losses
from paac.rollout import Transitions
from paac.summaries.writer import SummaryWriter, episode_statistics, tiles
from paac.training.episodes import Episode
from paac.training.run_folder import RunFolder
from paac.video.film import Film
from tests.helpers.commands import files_limited_to

TABLE = [0, 3, 6, 10]
ACTIONS = ["NOOP", "FIRE"]
LOSSES = Losses(*(np.float32(number / 8) for number in range(1, 10)))
STATISTICS = GradientStatistics(np.float32(0.5), np.float32(1.5), np.float32(2.5), np.float32(-3.5))


def update_of(actions, choices, gradients=STATISTICS, losses=LOSSES, global_norm=6.5):
    played = Transitions(np.array(actions, np.int32), np.array(choices, np.int32), rewards=None, dones=None, plays=None)
    return Update(played, losses, np.float32(global_norm), gradients)


def events(folder):
    """Return {tag: [(step, value)]} of the only event file in `folder`, and its graphs."""
    (file,) = folder.glob("*.tfevents.*")
    values, graphs = {}, []
    for event in tf.compat.v1.train.summary_iterator(str(file)):
        if event.graph_def:
            graphs.append(tf.compat.v1.GraphDef.FromString(event.graph_def))
        for value in event.summary.value:
            values.setdefault(value.tag, []).append((event.step, tf.make_ndarray(value.tensor)))
    return values, graphs


def curves(folder):
    """Return the curves only: tags with one number per step."""
    return {
        tag: [(step, value.item()) for step, value in points]
        for tag, points in events(folder)[0].items()
        if all(value.ndim == 0 and value.dtype == np.float32 for _, value in points)
    }


def written(folder, updates, *, step=800, last=((1.0, 10), (3.0, 30)), values=None):
    summaries = SummaryWriter(folder, ACTIONS, TABLE)
    for update in updates:
        summaries.add(update, [])
    summaries.write(step, last, values or {})
    summaries.close()
    return events(folder)[0]


def test_every_curve_of_an_update_is_written_with_its_value(tmp_path):
    written(
        tmp_path,
        [update_of([[0, 1]], [[0, 0]])],
        values={"parameters/lr": 0.0078125, "stats/steps_per_s": 1250.0, "stats/actions_per_s": 2500.0},
    )
    expected = {
        # The losses in the order of their fields, 1/8, 2/8, ...
        "loss/loss": 0.125,
        "loss/critic_loss_mean": 0.25,
        "loss/actor_objective_mean": 0.375,
        "loss/actor_advantage_mean": 0.5,
        "loss/log_repetition_mean": 0.625,
        "global_norm": 6.5,
        "raw_gradients/mean": 0.5,
        "raw_gradients/stddev": 1.5,
        "raw_gradients/max": 2.5,
        "raw_gradients/min": -3.5,
        "parameters/lr": 0.0078125,
        "stats/steps_per_s": 1250.0,
        "stats/actions_per_s": 2500.0,
        # Of the episodes (1, 10) and (3, 30).
        "rewards_per_episode/mean": 2.0,
        "rewards_per_episode/min": 1.0,
        "rewards_per_episode/max": 3.0,
        "rewards_per_episode/std": 1.0,
        "rewards_per_episode/std_over_mean": 0.5,
        "steps_per_episode/mean": 20.0,
        "steps_per_episode/min": 10.0,
        "steps_per_episode/max": 30.0,
        "steps_per_episode/std": 10.0,
        "steps_per_episode/std_over_mean": 0.5,
    }
    found = curves(tmp_path)
    assert {tag: found.get(tag) for tag in expected} == {tag: [(800, value)] for tag, value in expected.items()}


def test_losses_are_those_of_the_newest_update(tmp_path):
    newer = LOSSES._replace(loss=np.float32(-4.0))
    updates = [update_of([[0]], [[0]]), update_of([[0]], [[0]], losses=newer, global_norm=1.25)]
    written(tmp_path, updates)
    assert curves(tmp_path)["loss/loss"] == [(800, -4.0)]
    assert curves(tmp_path)["global_norm"] == [(800, 1.25)]


def test_each_episode_is_a_point_at_its_own_step(tmp_path):
    summaries = SummaryWriter(tmp_path, ACTIONS, TABLE)
    summaries.add(update_of([[0]], [[0]]), [Episode(32, 0, 21.0, 900), Episode(64, 3, -21.0, 700)])
    summaries.add(update_of([[0]], [[0]]), [])
    summaries.add(update_of([[0]], [[0]]), [Episode(224, 1, 0.5, 1)])
    summaries.close()
    found = curves(tmp_path)
    assert found["rl/reward"] == [(32, 21.0), (64, -21.0), (224, 0.5)]
    assert found["rl/episode_length"] == [(32, 900.0), (64, 700.0), (224, 1.0)]


def assert_histogram(points, step, values):
    """Check that the buckets [left, right, count] are those of NumPy's histogram."""
    ((found_step, buckets),) = points
    assert found_step == step
    values = np.asarray(values, float)
    assert buckets[:, 2].sum() == len(values)
    assert (buckets[0, 0], buckets[-1, 1]) == (values.min(), values.max())
    counts, _ = np.histogram(values, len(buckets))
    np.testing.assert_array_equal(buckets[:, 2], counts)


def test_histograms_count_all_updates_since_the_last_write(tmp_path):
    summaries = SummaryWriter(tmp_path, ACTIONS, TABLE)
    summaries.add(update_of([[5, 5]], [[3, 3]]), [])
    summaries.write(100, [], {})
    summaries.add(update_of([[0, 1], [1, 1]], [[0, 0], [0, 1]]), [])
    summaries.add(update_of([[2, 4], [4, 4]], [[2, 2], [2, 2]]), [])
    summaries.write(200, [], {})
    summaries.close()
    values, _ = events(tmp_path)
    assert values["actions"][0][1][:, 2].sum() == 2
    assert_histogram(values["actions"][1:], 200, [0, 1, 1, 1, 2, 4, 4, 4])
    # One play more than the table's repeats.
    assert_histogram(values["repetitions"][1:], 200, [1, 1, 1, 4, 7, 7, 7, 7])


def test_there_are_no_curves_of_episodes_before_the_first_nor_of_missing_gradient_statistics(tmp_path):
    values = written(tmp_path, [update_of([[0]], [[0]], gradients=None)], last=[])
    groups = {tag.split("/")[0] for tag in values}
    assert groups == {
        *("loss", "global_norm", "actions", "action_shares"),
        *("repetitions", "repetition_shares", "plays_per_decision"),
    }


def test_frequencies_are_those_of_all_updates_since_the_last_write(tmp_path):
    written(tmp_path, [update_of([[0, 1]], [[0, 0]]), update_of([[1, 1]], [[1, 0]])])
    found = curves(tmp_path)
    assert found["action_shares/NOOP"] == [(800, 0.25)] and found["action_shares/FIRE"] == [(800, 0.75)]
    assert found["repetition_shares/1_plays"] == [(800, 0.75)]
    assert found["repetition_shares/4_plays"] == [(800, 0.25)]
    assert found["plays_per_decision"] == [(800, 0.75 * 1 + 0.25 * 4)]


def test_actions_with_any_names_have_curves_of_their_own(tmp_path):
    names = ["left engine", "jump", "jump", "", "a/b", "\udcff"]
    summaries = SummaryWriter(tmp_path, names, [0])
    summaries.add(update_of([[0, 1, 2, 2, 3, 4, 5, 5]], [[0] * 8]), [])
    summaries.write(800, [], {})
    summaries.close()
    found = {tag: value for tag, ((_, value),) in curves(tmp_path).items() if tag.startswith("action_shares/")}
    shown = ["left engine", "jump", "jump-2", "", "a/b", "\\udcff"]
    assert found == {f"action_shares/{name}": n / 8 for name, n in zip(shown, [1, 1, 2, 1, 1, 2], strict=True)}


def test_plain_paac_has_no_curves_of_repetitions(tmp_path):
    summaries = SummaryWriter(tmp_path, ACTIONS, [0])
    summaries.add(update_of([[0]], [[0]]), [])
    summaries.write(800, [], {})
    summaries.close()
    assert not any("repetition_shares" in tag or "plays" in tag for tag in curves(tmp_path))


def test_channels_become_tiles_scaled_from_black_to_white():
    channels = np.zeros((2, 3, 5), np.float32)
    channels[:, :, 1] = [[-1, 0, 1], [1, 0, -1]]
    channels[0, 0, 4] = 0.001
    picture = tiles(channels)
    assert picture.shape == (4, 9, 1) and picture.dtype == np.uint8
    assert picture[:2, 3:6, 0].tolist() == [[0, 127, 255], [255, 127, 0]]
    assert picture[2:, 3:6, 0].tolist() == [[255, 0, 0], [0, 0, 0]]
    assert picture.sum() == 127 * 2 + 255 * 3


@pytest.mark.parametrize(("arch", "convolutions"), [("NIPS", 2), ("LSTM", 4), ("IMPALA", 15)])
def test_every_convolution_has_a_picture(arch, convolutions, tmp_path):
    network = make_network(arch, num_actions=2, nb_choices=1, rgb=False, seed=1)
    summaries = SummaryWriter(tmp_path, ACTIONS, [0])
    summaries.show_convolutions(800, network, np.full((84, 84, 4), 9, np.uint8))
    summaries.close()
    values, _ = events(tmp_path)
    shown = {tag for tag in values if tag.startswith("convolutions/")}
    assert shown == {"convolutions/observation", *(f"convolutions/{n}" for n in range(1, convolutions + 1))}
    width, height, picture = values["convolutions/1"][0][1]
    assert int(width) % 4 == 0 and int(height) > 0 and picture.startswith(b"\x89PNG")


def test_a_session_starts_with_its_options_weights_and_graph(tmp_path):
    graph = tf.function(lambda x: tf.square(x, name="a_name_to_find")).get_concrete_function(tf.TensorSpec([])).graph
    summaries = SummaryWriter(tmp_path, ACTIONS, TABLE)
    network = make_network("NIPS", num_actions=2, nb_choices=1, rgb=False, seed=1)
    summaries.write_session_start(resolve(dict(random_seed=5)), network, graph, step=1200)
    summaries.close()
    values, graphs = events(tmp_path)
    ((step, text),) = values["options"]
    assert step == 1200  # where this session of the training begins
    assert "| gamma | 0.99 | discount factor |" in text.item().decode().splitlines()
    weights = values["parameters"][0][1].item().decode()
    assert "(8, 8, 4, 16) | 4,096 |" in weights and f"| total | | {network.count_params():,} |" in weights
    assert any(node.name == "a_name_to_find" for found in graphs for node in found.node)


def test_a_film_is_an_image_that_holds_the_gif(tmp_path):
    film = Film()
    for shade in (0, 90, 180):
        film.add(np.full((20, 30, 3), shade, np.uint8))
    gif = io.BytesIO()
    film.write_gif(gif, 2)
    summaries = SummaryWriter(tmp_path, ACTIONS, TABLE)
    summaries.show_film(800, gif.getvalue())
    summaries.close()
    ((step, (width, height, shown)),) = events(tmp_path)[0]["agent_plays"]
    assert (step, width, height, shown) == (800, b"60", b"40", gif.getvalue())


def test_every_event_is_in_the_file_at_once(tmp_path):
    summaries = SummaryWriter(tmp_path, ACTIONS, TABLE)
    summaries.add(update_of([[0]], [[0]]), [Episode(32, 0, 21.0, 900)])
    assert curves(tmp_path)["rl/reward"] == [(32, 21.0)]
    summaries.close()


@pytest.mark.parametrize("change", ["truncated", "deleted", "a link"])
def test_a_file_that_another_program_has_changed_is_not_written_on(change, tmp_path):
    folder, other = tmp_path / "tf", tmp_path / "other"
    summaries = SummaryWriter(folder, ACTIONS, TABLE)
    summaries.add(update_of([[0]], [[0]]), [Episode(32, 0, 21.0, 900)])
    (file,) = folder.iterdir()
    other.write_text("another file")
    if change == "truncated":
        file.write_bytes(b"")
    else:
        file.unlink()
    if change == "a link":
        file.symlink_to(other)
    with pytest.raises(OSError, match="by another program"):
        summaries.add(update_of([[0]], [[0]]), [Episode(64, 0, 1.0, 900)])
    assert other.read_text() == "another file"


# Statistics of episodes.


def test_statistics_of_three_values():
    assert episode_statistics(np.array([1.0, 1, 4])) == {
        "mean": 2.0,
        "min": 1.0,
        "max": 4.0,
        "std": pytest.approx(np.sqrt(2)),  # over n, not n - 1
        "std_over_mean": pytest.approx(np.sqrt(2) / 2),
    }


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0], 0.0),
        ([-1.0, -3.0], 0.5),  # the mean's absolute value counts
        ([-1.0, 1.5], 2.0),  # 1.25 / 0.25 = 5, limited to 2
        ([0.0], 2.0),
        ([-1.0, 1.0], 2.0),
    ],
)
def test_std_over_mean_is_at_most_two_also_if_the_mean_is_zero(values, expected):
    assert episode_statistics(np.array(values))["std_over_mean"] == expected


def test_curves_after_a_resume_have_no_overlap(tmp_path):
    summaries = SummaryWriter(tmp_path / "tf", ACTIONS, TABLE)
    summaries.add(update_of([[0]], [[0]]), [Episode(10, 0, 1.0, 1)])
    lengths = RunFolder(tmp_path).log_lengths()
    summaries.add(update_of([[0]], [[0]]), [Episode(20, 0, 2.0, 1)])  # after the checkpoint; the process is killed
    summaries.close()
    RunFolder(tmp_path).truncate_logs(lengths)
    assert curves(tmp_path / "tf")["rl/reward"] == [(10, 1.0)]


def test_an_open_tensorboard_drops_the_points_of_a_killed_session(tmp_path):
    network = make_network("NIPS", num_actions=2, nb_choices=4, rgb=False, seed=1)
    tensorboard = EventAccumulator(str(tmp_path / "tf"))

    def session(start):
        summaries = SummaryWriter(tmp_path / "tf", ACTIONS, TABLE)
        summaries.write_session_start(resolve({}), network, tf.Graph(), start)
        return summaries

    def shown_after(summaries, *episodes):
        summaries.add(update_of([[0]], [[0]]), [Episode(step, 0, reward, 1) for step, reward in episodes])
        tensorboard.Reload()
        return [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in tensorboard.Tensors("rl/reward")]

    killed = session(0)
    assert shown_after(killed, (10, 1.0)) == [(10, 1.0)]
    lengths = RunFolder(tmp_path).log_lengths()  # those of a checkpoint at step 10
    assert shown_after(killed, (20, 2.0), (30, 3.0)) == [(10, 1.0), (20, 2.0), (30, 3.0)]
    killed.close()
    RunFolder(tmp_path).truncate_logs(lengths)
    resumed = session(10)
    assert shown_after(resumed, (15, 4.0), (25, 5.0)) == [(10, 1.0), (15, 4.0), (25, 5.0)]
    resumed.close()


def resident():
    """Return the resident memory of this process in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_points_of_curves_do_not_stay_in_memory(tmp_path):
    """TensorFlow keeps every Python number that it converts to a tensor: 14 MiB for these."""
    summaries = SummaryWriter(tmp_path, ACTIONS, TABLE)

    def write(first):
        for number in range(first, first + 2000):
            summaries.add(update_of([[0]], [[0]]), [Episode(7 * number, 0, number + 0.5, 3 * number)])

    write(100_000)
    before = resident()
    write(200_000)
    assert resident() - before < 8
    summaries.close()


# A full disk.


@pytest.mark.parametrize("episodes", [1, 1000])  # TensorFlow reports only that the first does not fit
def test_what_does_not_fit_gives_one_line_and_leaves_whole_events(episodes, tmp_path):
    summaries = SummaryWriter(tmp_path, ACTIONS, TABLE)
    summaries.add(update_of([[0]], [[0]]), [Episode(32, 0, 21.0, 900)])
    (file,) = tmp_path.iterdir()
    size = file.stat().st_size
    finished = [Episode(64, 0, 1.0, 1)] * episodes
    with files_limited_to(size + 20), pytest.raises(OSError, match=r"tfevents\S+: cannot be written \(?") as error:
        summaries.add(update_of([[0]], [[0]]), finished)
    assert "\n" not in str(error.value) and file.stat().st_size == size
    assert curves(tmp_path)["rl/reward"] == [(32, 21.0)]


@pytest.mark.parametrize("name", ["scalar", "histogram"])
def test_errors_of_tensorflow_become_one_line(name, tmp_path, monkeypatch):
    def full(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "{{node x}} tf/events; No space left on device [Op:Write]")

    monkeypatch.setattr(tf.summary, name, full)
    with pytest.raises(OSError, match=r"tfevents\S+: cannot be written \(No space left on device\)$"):
        written(tmp_path, [update_of([[0]], [[0]])])


def test_a_folder_that_cannot_be_created_gives_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file/tf: cannot be written") as error:
        SummaryWriter(tmp_path / "file/tf", ACTIONS, TABLE)
    assert "\n" not in str(error.value)
