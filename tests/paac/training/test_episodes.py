"""Finished episodes, statistics of the last ones, and episodes.csv."""

import json

import numpy as np
import pytest

from paac.cli.errors import UserError
from paac.rollout import Transitions
from paac.training.episodes import Episode, EpisodeLog, EpisodeTracker, read_episodes
from tests.helpers.commands import files_limited_to


def played_of(rewards, dones, plays=None):
    """Return `Transitions` with the fields that are counted, from [T][B] lists."""
    rewards = np.array(rewards, float)
    plays = np.ones(rewards.shape, np.int32) if plays is None else np.array(plays, np.int32)
    return Transitions(actions=None, choices=None, rewards=rewards, dones=np.array(dones, bool), plays=plays)


def test_rewards_and_plays_add_up_over_updates_until_an_episode_ends():
    tracker = EpisodeTracker(2)
    assert tracker.add(played_of([[1, 10], [2, 20]], [[0, 0], [0, 0]], [[1, 3], [1, 11]]), 0) == []
    # The first emulator's episode ends at the first decision of the second update, which began at step 4.
    finished = tracker.add(played_of([[4, 40], [8, 80]], [[1, 0], [0, 1]], [[1, 1], [5, 2]]), 4)
    assert finished == [
        Episode(step=5, emulator=0, reward=7.0, length=3),
        Episode(step=8, emulator=1, reward=150.0, length=17),
    ]
    # Rewards and plays after the end count for the next episode.
    assert tracker.add(played_of([[0, 0]], [[1, 1]], [[2, 1]]), 8) == [
        Episode(step=9, emulator=0, reward=8.0, length=7),
        Episode(step=10, emulator=1, reward=0.0, length=1),
    ]


def test_an_emulator_may_end_several_episodes_in_one_update():
    tracker = EpisodeTracker(2)
    finished = tracker.add(played_of([[1, 5], [2, 5], [4, 5]], [[1, 0], [1, 0], [1, 1]]), 100)
    assert finished == [
        Episode(101, 0, 1.0, 1),
        Episode(103, 0, 2.0, 1),
        Episode(105, 0, 4.0, 1),
        Episode(106, 1, 15.0, 3),
    ]


def test_rewards_are_not_clipped_and_may_be_negative_or_fractional():
    tracker = EpisodeTracker(1)
    assert tracker.add(played_of([[-21.5], [1000]], [[0], [1]]), 0)[0].reward == 978.5


def test_rewards_of_a_long_episode_are_not_rounded():
    # float32 would round such sums.
    tracker = EpisodeTracker(1)
    for step in range(3):
        tracker.add(played_of([[2**24]], [[0]]), step)
    assert tracker.add(played_of([[1]], [[1]]), 3)[0].reward == 3 * 2**24 + 1


def test_the_mean_is_over_the_last_fifty_episodes():
    tracker = EpisodeTracker(1)
    assert tracker.mean_score is None
    tracker.add(played_of([[3]], [[0]]), 0)
    assert tracker.mean_score is None  # it has not ended
    tracker.add(played_of([[0]], [[1]]), 1)
    assert tracker.mean_score == 3
    for number in range(50):
        tracker.add(played_of([[number]], [[1]], [[number + 1]]), number)
    assert list(tracker.last) == [(float(number), number + 1) for number in range(50)]
    assert tracker.mean_score == pytest.approx(24.5)


def test_a_tracker_is_restored_from_json():
    def second_half(tracker):
        return [tracker.add(played_of([[4, 8]], [[1, 1]], [[2, 3]]), 60), list(tracker.last), tracker.mean_score]

    tracker = EpisodeTracker(2)
    for number in range(55):
        tracker.add(played_of([[number, 0.5]], [[1, 0]], [[1, 2]]), number)
    restored = EpisodeTracker.from_json(json.loads(json.dumps(tracker.to_json())))
    assert second_half(restored) == second_half(tracker)


def test_running_episodes_can_be_dropped_and_finished_ones_are_kept():
    # The emulators could not be saved: they start new episodes, but finished ones still count.
    tracker = EpisodeTracker(2)
    tracker.add(played_of([[7, 8]], [[1, 0]], [[2, 3]]), 0)
    renewed = tracker.with_new_episodes(2)
    assert renewed.add(played_of([[1, 1]], [[1, 1]]), 2) == [Episode(3, 0, 1.0, 1), Episode(4, 1, 1.0, 1)]
    assert list(renewed.last) == [(7.0, 2), (1.0, 1), (1.0, 1)]


# episodes.csv.

HEADER = "step,seconds,emulator,reward,length\n"


def test_episodes_csv_gets_a_line_for_each_episode_at_once(tmp_path):
    file = tmp_path / "episodes.csv"
    log = EpisodeLog(file)
    log.add([Episode(160, 3, -21.0, 824), Episode(161, 0, 0.5, 1)], 12.345)
    log.add([], 13.0)
    assert file.read_text() == HEADER + "160,12.3,3,-21,824\n161,12.3,0,0.5,1\n"  # before the log is closed
    log.close()


def test_an_existing_episodes_csv_gets_no_second_header(tmp_path):
    file = tmp_path / "episodes.csv"
    for step in (1, 2):
        log = EpisodeLog(file)
        log.add([Episode(step, 0, 1.0, 5)], 1.0)
        log.close()
    assert file.read_text() == HEADER + "1,1.0,0,1,5\n2,1.0,0,1,5\n"


def test_a_reward_in_episodes_csv_is_not_rounded(tmp_path):
    # Scores of some games reach millions.
    file = tmp_path / "episodes.csv"
    log = EpisodeLog(file)
    log.add([Episode(1, 0, 1_234_567.0, 5)], 1.0)
    log.close()
    assert float(file.read_text().splitlines()[1].split(",")[3]) == 1_234_567


def test_what_the_log_wrote_is_read_back_except_an_incomplete_line(tmp_path):
    file = tmp_path / "episodes.csv"
    log = EpisodeLog(file)
    log.add([Episode(160, 3, -21.0, 824), Episode(161, 0, 0.5, 1)], 12.3)
    log.close()
    with file.open("a") as growing:
        growing.write("170,12.9,1,3")  # a training is writing this one
    episodes = read_episodes(file)
    assert episodes.steps.tolist() == [160, 161] and episodes.emulators.tolist() == [3, 0]
    assert episodes.seconds.tolist() == [12.3, 12.3]
    assert episodes.rewards.tolist() == [-21.0, 0.5] and episodes.lengths.tolist() == [824, 1]
    assert len(read_episodes(tmp_path / "none.csv").steps) == 0


@pytest.mark.parametrize(
    "line",
    [
        "1",
        "1,2,3",
        "1,1.0,0,1,x",
        "1,1.0,0,1,1e30",
        "-1,1.0,0,1,5",
        "inf,1.0,0,1,5",
        "1,nan,0,1,5",
        "1.5,1.0,0,1,5",
        "1" * 2000,
    ],
)
def test_an_odd_line_is_refused_in_one_line(line, tmp_path):
    file = tmp_path / "episodes.csv"
    file.write_text(f"{HEADER}1,1.0,0,-0.5,5\n{line}\n")
    with pytest.raises(UserError, match="episodes.csv cannot be read .*: correct it, or leave the run out") as error:
        read_episodes(file)
    assert "\n" not in str(error.value)


def test_a_file_without_episodes_and_one_with_other_columns(tmp_path):
    file = tmp_path / "episodes.csv"
    for empty in ("", HEADER, HEADER + "1,1.0"):
        file.write_text(empty)
        assert len(read_episodes(file).steps) == 0
    file.write_text("data\n1\n")
    with pytest.raises(UserError, match="its first line must be step,seconds,emulator,reward,length"):
        read_episodes(file)


def test_what_does_not_fit_on_the_disk_leaves_whole_lines(tmp_path):
    file = tmp_path / "episodes.csv"
    log = EpisodeLog(file)
    log.add([Episode(5, 0, 1.0, 7)], 2.5)
    before = file.read_bytes()
    with files_limited_to(len(before) + 5), pytest.raises(OSError, match="File too large: .*episodes.csv"):
        log.add([Episode(9, 1, 2.0, 7)], 3.5)
    assert file.read_bytes() == before
    log.add([Episode(9, 1, 2.0, 7)], 3.5)
    log.close()
    assert read_episodes(file).steps.tolist() == [5, 9]
