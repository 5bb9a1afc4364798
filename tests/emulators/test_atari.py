"""Compares Atari emulators with ALE itself: actions, observations and saved states."""

import numpy as np
import pytest
from ale_py import Action, ALEInterface, roms

from emulators import make_emulator
from emulators.atari import AtariEmulator, game_names

# Games with few and with many actions, NTSC and PAL, with an unusual height, and one without a no-op.
GAMES = ["pong", "seaquest", "klax", "carnival", "backgammon"]


def ale_of(emulator: AtariEmulator) -> ALEInterface:
    return emulator._ale


def plain_frame(images: list[np.ndarray]) -> np.ndarray:
    """Return the nearest pixels, [84, 84, ...], of the maximum of images [height, width, ...]."""
    height, width = images[0].shape[:2]
    rows = [(2 * target + 1) * height // 168 for target in range(84)]
    columns = [(2 * target + 1) * width // 168 for target in range(84)]
    return np.maximum.reduce(images)[rows][:, columns]


def test_pal_cartridges_are_slower():
    assert {game: make_emulator(game, seed=1).frames_per_second for game in ("pong", "pacman")} == {
        "pong": 60,
        "pacman": 50,
    }


@pytest.mark.parametrize("rgb", [False, True])
@pytest.mark.parametrize("game", GAMES)
def test_observations_are_made_of_what_ale_shows(game, rgb):
    emulator = make_emulator(game, seed=3, rgb=rgb)
    ale = ale_of(emulator)
    shown: list[np.ndarray] = []
    emulator.on_frame = lambda _: shown.append(ale.getScreenRGB() if rgb else ale.getScreenGrayscale()[..., None])
    observations = [emulator.reset()]
    if emulator.noop is None:
        assert len(shown) == 1
        frames = [plain_frame(shown)] * 4
    else:
        assert 16 <= len(shown) <= 16 + 30
        frames = [plain_frame(shown[end - 2 : end]) for end in range(len(shown) - 12, len(shown) + 1, 4)]
    expected = [frames[-4:]]
    for decision in range(30):
        shown.clear()
        observation, reward, done = emulator.step(decision // 4 % emulator.num_actions)
        assert len(shown) == 4 and not done and np.isfinite(reward)
        frames.append(plain_frame(shown[2:]))
        observations.append(observation)
        expected.append(frames[-4:])
    for observation, last_four in zip(observations, expected, strict=True):
        assert observation.shape == (84, 84, 12 if rgb else 4) and observation.dtype == np.uint8
        # [84, 84, C, 4]: one channel after another, each with its oldest frame first.
        np.testing.assert_array_equal(observation, np.stack(last_four, -1).reshape(84, 84, -1))
    assert len(np.unique([observation.tobytes() for observation in observations])) > 1  # something moved


@pytest.mark.parametrize("game", GAMES)
def test_the_screen_is_what_ale_shows_in_rgb(game):
    emulator = make_emulator(game, seed=1)
    emulator.reset()
    for decision in range(12):
        np.testing.assert_array_equal(emulator.screen(), ale_of(emulator).getScreenRGB())
        emulator.hold(decision % emulator.num_actions, decision % 3)
    assert emulator.screen().dtype == np.uint8


def played(emulator, decisions: int = 40) -> list:
    """Play decisions that depend only on their index, and return everything that can be seen of them."""
    seen = []
    for decision in range(decisions):
        if emulator.done:
            seen.append(emulator.reset().tobytes())
        observation, reward, done, plays = emulator.hold(decision * 7 // 3 % emulator.num_actions, decision % 3)
        seen += [observation.tobytes(), reward, done, plays, emulator.truncated]
    return seen


@pytest.mark.parametrize("sticky_actions", [0.0, 0.25])
def test_equal_seeds_play_the_same_frames_and_other_seeds_other_frames(sticky_actions):
    # The random start and the sticky actions must each depend on the seed.
    settings = {"random_start": not sticky_actions, "sticky_actions": sticky_actions, "max_episode_frames": 150}
    first, second, other = (
        played(make_emulator("seaquest", seed=seed, **settings)) for seed in ([3, 1], [3, 1], [3, 2])
    )
    assert first == second
    assert first != other
    assert first.count(True) >= 4  # at least two truncated episodes, each of them done and truncated


def test_other_seeds_start_after_other_numbers_of_noops():
    starts = set()
    for seed in range(3):
        emulator = make_emulator("pong", seed=seed)
        emulator.reset()
        starts.add(ale_of(emulator).getEpisodeFrameNumber())
    assert len(starts) > 1
    assert all(16 <= start <= 46 for start in starts)


@pytest.mark.parametrize("sticky_actions", [0.0, 0.25])
def test_a_loaded_state_has_the_same_future_in_another_emulator(sticky_actions):
    # With sticky actions a random number is drawn for every frame, so the generator's state must be loaded too.
    settings = {"sticky_actions": sticky_actions, "max_episode_frames": 200}
    emulator = make_emulator("space_invaders", seed=3, **settings)
    played(emulator, 11)
    assert not emulator.done
    state, screen, observation = emulator.save_state(), emulator.screen(), emulator.observation
    expected = played(emulator)
    assert expected.count(True) >= 2
    other = make_emulator("space_invaders", seed=77, **settings)
    played(other, 5)
    other.load_state(state)
    # ALE restores its own screen only with the next frame.
    np.testing.assert_array_equal(other.screen(), screen)
    np.testing.assert_array_equal(other.observation, observation)
    assert played(other) == expected


def test_the_action_that_may_be_repeated_is_part_of_a_saved_state():
    # It is the last action before the save, not the last one before the load.
    emulator, other = (make_emulator("pong", seed=seed, sticky_actions=0.9) for seed in (3, 4))
    emulator.reset()
    other.reset()
    up, down = 2, 3
    for action, opposite in [(up, down), (down, up)] * 3:
        emulator.hold(action, 8)
        other.hold(opposite, 8)
        other.load_state(emulator.save_state())
        for _ in range(3):
            np.testing.assert_array_equal(other.step(0)[0], emulator.step(0)[0])


def test_sticky_actions_repeat_the_action_before():
    # With probability 1, the no-op of the start is repeated forever, whatever is pressed.
    stuck, noop, pressing = (make_emulator("seaquest", seed=3, sticky_actions=chance) for chance in (1, 0, 0))
    for emulator in (stuck, noop, pressing):
        emulator.reset()
    differences = 0
    for decision in range(25):
        action = decision // 5 % 5 + 1
        expected = noop.step(0)[0]
        np.testing.assert_array_equal(stuck.step(action)[0], expected)
        differences += not np.array_equal(pressing.step(action)[0], expected)
    assert differences


def test_a_reset_forgets_the_action_that_may_be_repeated():
    stuck, noop = (make_emulator("seaquest", seed=3, random_start=False, sticky_actions=chance) for chance in (1, 0))
    stuck.reset()
    stuck._pressed = 3  # as if the last episode had ended with this action
    for emulator in (stuck, noop):
        emulator.reset()
    for _ in range(20):
        np.testing.assert_array_equal(stuck.hold(1, 4)[0], noop.hold(0, 4)[0])


def test_the_settings_of_ale_are_those_of_the_protocol():
    ale = ale_of(make_emulator("pong", seed=1))
    assert ale.getFloat("repeat_action_probability") == 0  # ALE's own default is 0.25
    assert ale.getInt("frame_skip") == 1
    assert not ale.getBool("color_averaging")


@pytest.mark.parametrize(
    ("game", "minimal"),
    [
        ("pong", ["NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE"]),
        ("breakout", ["NOOP", "FIRE", "RIGHT", "LEFT"]),
        ("freeway", ["NOOP", "UP", "DOWN"]),
    ],
)
def test_the_actions_are_those_that_the_game_uses_or_all_eighteen(game, minimal):
    for full in (False, True):
        emulator = make_emulator(game, seed=1, random_start=False, full_action_space=full)
        emulator.reset()
        names = list(Action.__members__)[:18] if full else minimal
        assert emulator.action_names == names and emulator.num_actions == len(names)
        assert emulator.noop == 0
        twin = ALEInterface()
        twin.setFloat("repeat_action_probability", 0.0)
        twin.loadROM(roms.get_rom_path(game))
        for number, name in enumerate(names):
            twin.restoreState(ale_of(emulator).cloneState())
            emulator.step(number)
            for _ in range(4):
                twin.act(Action.__members__[name])
            np.testing.assert_array_equal(ale_of(emulator).getRAM(), twin.getRAM(), name)
        for action in (-1, len(names)):
            with pytest.raises(ValueError, match=f"^there is no action {action}: "):
                emulator.step(action)


@pytest.mark.parametrize("game", ["backgammon", "video_checkers"])
def test_games_without_a_noop_start_with_their_first_screen(game):
    emulator = make_emulator(game, seed=1)
    assert emulator.noop is None
    twin = ALEInterface()
    twin.loadROM(roms.get_rom_path(game))
    twin.reset_game()
    for _ in range(2):
        observation = emulator.reset()
        # ALE presses what the game needs to start, and the emulator adds nothing.
        assert ale_of(emulator).getEpisodeFrameNumber() == twin.getEpisodeFrameNumber() < 16
        first = plain_frame([ale_of(emulator).getScreenGrayscale()])
        np.testing.assert_array_equal(observation, np.stack([first] * 4, -1))
        emulator.step(0)
    # The full action space does have a no-op.
    whole = make_emulator(game, seed=1, full_action_space=True)
    whole.reset()
    assert whole.noop == 0
    assert ale_of(whole).getEpisodeFrameNumber() >= 16


def test_rewards_are_the_points_of_the_game():
    # Ms Pac-Man eats dots of 10 points as she goes left.
    emulator = make_emulator("ms_pacman", seed=1)
    left = ale_of(emulator).getMinimalActionSet().index(Action.LEFT)
    twin = ALEInterface()
    twin.setFloat("repeat_action_probability", 0.0)
    twin.loadROM(roms.get_rom_path("ms_pacman"))
    emulator.reset()
    twin.restoreState(ale_of(emulator).cloneState())
    rewards, expected = [], []
    for decision in range(25):
        _, reward, _, plays = emulator.hold(left, decision % 6)
        rewards.append(reward)
        expected.append(sum(twin.act(Action.LEFT) for _ in range(4 * plays)))
    assert rewards == expected
    assert max(rewards) >= 20  # the reward is not clipped, and one decision eats more than one dot


def test_a_lost_life_ends_an_episode_only_with_single_life_episodes():
    # In Breakout a ball that is served and missed costs one of five lives.
    ends = {}
    for single_life in (False, True):
        emulator = make_emulator("breakout", seed=1, single_life_episodes=single_life)
        emulator.reset()
        assert ale_of(emulator).lives() == 5
        while not emulator.done:
            emulator.hold(1, 10)  # FIRE serves again
        assert not emulator.truncated
        ends[single_life] = ale_of(emulator).lives(), ale_of(emulator).game_over()
        emulator.reset()
        assert ale_of(emulator).lives() == 5
    assert ends == {False: (0, True), True: (4, False)}


@pytest.mark.parametrize("rgb", [False, True])
def test_on_frame_does_not_change_what_is_played(rgb):
    plain, watched = (make_emulator("breakout", seed=2, rgb=rgb, single_life_episodes=True) for _ in range(2))
    watched.on_frame = lambda _: None
    np.testing.assert_array_equal(watched.reset(), plain.reset())
    ended = 0
    for decision in range(120):
        one, other = (emulator.hold(decision // 3 % 4, decision % 6) for emulator in (watched, plain))
        np.testing.assert_array_equal(one[0], other[0])
        assert one[1:] == other[1:]
        np.testing.assert_array_equal(watched.screen(), plain.screen())
        if plain.done:
            ended += 1
            np.testing.assert_array_equal(watched.reset(), plain.reset())
    assert ended


def assert_resumes_identically(game):
    """Compare an emulator with a new one that loads its state, as the workers of a resumed run do."""
    emulator, other = make_emulator(game, seed=3), make_emulator(game, seed=4)
    emulator.reset()
    played(emulator, 60)
    if emulator.done:
        emulator.reset()
    other.load_state(emulator.save_state())
    assert played(other, 60) == played(emulator, 60), game


@pytest.mark.parametrize("game", ["pong", "qbert", "atari:tetris"])
def test_an_emulator_that_has_not_played_continues_identically_from_a_saved_state(game):
    assert_resumes_identically(game)


@pytest.mark.slow
def test_all_games_continue_identically_from_a_saved_state():
    for name in game_names():
        assert_resumes_identically(f"atari:{name}")
