"""Playing a game by hand: the keys of each platform, and a window that shows the game and the score."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pygame

from emulators.atari import AtariEmulator
from emulators.emulator import Emulator, GameError
from emulators.gym_settings import MAX_TURN_FPS
from emulators.pixel_emulator import PixelGameEmulator
from emulators.window import DisplayError, Window

KEY_NAMES = {"up": "Up", "down": "Down", "left": "Left", "right": "Right", "space": "Space", "return": "Return"}
COMMAND_KEYS = "pgr"  # pause, save a gif, restart: not the keys of actions
ACTION_KEYS = [key for key in "0123456789abcdefghijklmnopqrstuvwxyz" if key not in COMMAND_KEYS]
ATARI_KEYS = {"UP": "up", "DOWN": "down", "LEFT": "left", "RIGHT": "right", "FIRE": "space"}
SIDEWAYS_KEYS = {"RIGHT": "up", "LEFT": "down"}  # as well, if a game has no UP and DOWN: Pong's paddle rises by RIGHT
ATARI_ASPECT = 4 / 3  # width / height
FIRST_REPEAT_MS = 220  # delay before a held key repeats


class Controls(NamedTuple):
    """How a person controls an emulator."""

    keys: dict[frozenset[str], int]  # keys that are down together -> action; no key -> no-op, if the game has one
    meanings: dict[str, str]  # key -> what it does
    aspect: float | None = None  # width / height of the picture, None: that of its pixels
    once_per_press: bool = False  # True: a key acts once each time it is pressed; False: as long as it is down
    key_repeat_ms: int = 0  # interval at which a held key repeats, 0: never
    waits: bool = False  # whether the game stands still until a key is pressed


def controls_of(emulator: Emulator) -> Controls:
    """Return an emulator's controls.

    They are the arrows and Space for an Atari game, a small game's own keys, and one key per action otherwise. A
    turn-based game in which every action does something waits for a key.
    """
    if isinstance(emulator, AtariEmulator):
        return _atari_controls(emulator.action_names)
    no_key = {} if emulator.noop is None else {frozenset[str](): emulator.noop}
    if isinstance(emulator, PixelGameEmulator):
        game = emulator.game
        meanings = _meanings(game.keys, [*game.actions, "drop"])  # in Tetris, people have one action more
        keys = no_key | _one_key_each(game.keys)
        return Controls(keys, meanings, once_per_press=game.once_per_press, key_repeat_ms=game.key_repeat_ms)
    if emulator.action_names in (["left", "right"], ["left", "no-op", "right"]):
        actions = {"left": 0, "right": emulator.num_actions - 1}
    else:
        actions = {key: action for action, key in zip(range(emulator.num_actions), ACTION_KEYS, strict=False)}
    waits = emulator.noop is None and emulator.frames_per_second <= MAX_TURN_FPS
    keys = no_key | _one_key_each(actions)
    return Controls(keys, _meanings(actions, emulator.action_names), once_per_press=waits, waits=waits)


def _atari_controls(action_names: Sequence[str]) -> Controls:
    """Return the controls of an Atari game. An action's name holds its parts: UPRIGHTFIRE is up, right and space."""
    words = [word for word in ATARI_KEYS if any(word in name for name in action_names)]
    tables = [ATARI_KEYS] if {"UP", "DOWN"} & set(words) else [ATARI_KEYS | SIDEWAYS_KEYS, ATARI_KEYS]
    keys = {
        frozenset(table[word] for word in words if word in name): action
        for table in tables
        for action, name in enumerate(action_names)
    }
    return Controls(keys, {table[word]: word.lower() for table in tables for word in words}, aspect=ATARI_ASPECT)


def _one_key_each(actions: dict[str, int]) -> dict[frozenset[str], int]:
    return {frozenset({key}): action for key, action in actions.items()}


def _meanings(actions: dict[str, int], names: Sequence[str]) -> dict[str, str]:
    return {key: names[action] for key, action in actions.items()}


def describe_keys(meanings: dict[str, str]) -> str:
    """Return the keys and what they do, such as "Left, Right, Up: rotate": Left and Right do what they say."""
    keys: dict[str, list[str]] = {}
    for key, meaning in meanings.items():
        keys.setdefault(meaning, []).append(KEY_NAMES.get(key, key))
    return ", ".join(
        names[0] if [name.lower() for name in names] == [meaning] else f"{' or '.join(names)}: {meaning}"
        for meaning, names in keys.items()
    )


def start_by_hand(emulator: Emulator) -> None:
    """Start an episode without no-ops."""
    emulator._start()
    emulator._show(emulator._screen)


def play_frame_by_hand(emulator: Emulator, action: int, seconds: float) -> tuple[float, bool]:
    """Apply `action` for one frame, `seconds` after the last frame. Returns its reward and whether the episode is done.

    This does not update the observation, so an agent can play this emulator only after `Emulator.reset`.
    """
    if isinstance(emulator, PixelGameEmulator):
        reward = emulator.press_by_hand(action, seconds)
    else:
        reward = emulator._press(action)
    emulator._show(emulator._screen)
    return reward, emulator._is_over() or emulator._is_truncated()


class ScreenRecorder(Protocol):
    """Keeps the screens of an episode, and saves them as a film."""

    def start(self) -> None:
        """Start a new film."""

    def add(self, screen: np.ndarray) -> None:
        """Add a screen, uint8 [height, width, 3]."""

    def save(self) -> str:
        """Save the film and return a message for the player."""


class ManualPlay:
    """A game that a person plays in a window in real time.

    The keys are those of the game, P to pause, R to restart (or Space, if the game does not use it or is over), G to
    save a film and Escape to quit.
    """

    def __init__(self, title: str, emulator: Emulator, recorder: ScreenRecorder | None = None):
        """Raises GameError if there is no display."""
        try:
            self.window = Window(title)
        except DisplayError as error:
            raise GameError(f"{error}; run it on a machine with a display") from None
        self.emulator = emulator
        self._recorder = recorder
        self._controls = controls_of(emulator)
        self._game_keys = sorted({key for keys in self._controls.keys for key in keys})
        height, width = emulator.screen().shape[:2]
        if self._controls.aspect:
            width = round(height * self._controls.aspect)
        scale = max(1, int(self.window.fitting_scale(width, height)))
        self._size = scale * width, scale * height
        if self._controls.key_repeat_ms:
            pygame.key.set_repeat(FIRST_REPEAT_MS, self._controls.key_repeat_ms)
        self.note = ""
        self.restart()

    def restart(self) -> None:
        """Start a new episode."""
        if self._recorder:
            self._recorder.start()
        start_by_hand(self.emulator)
        if self._recorder:
            self._recorder.add(self.emulator.screen())
        self.score, self.over, self.paused = 0.0, False, False
        self._action = self._controls.keys.get(frozenset(), 0)

    def play(self) -> None:
        """Play in real time until the window is closed."""
        clock = pygame.time.Clock()
        passed_ms = 0
        while not self.window.closed:
            self.play_frame(passed_ms / 1000)
            passed_ms = clock.tick(self.emulator.frames_per_second)

    def play_frame(self, seconds: float) -> None:
        """Read the keys, play one frame, `seconds` after the last frame, and show it."""
        pressed = [key for key in self.window.pressed_keys() if not self._run_command(key)]
        if self.window.closed:
            return
        action = self._chosen_action(pressed)
        if action is not None and not self.paused and not self.over:
            reward, self.over = play_frame_by_hand(self.emulator, action, seconds)
            self.score += reward
            if self._recorder:
                self._recorder.add(self.emulator.screen())
        self.window.show(self.emulator.screen(), self._size, self._text_lines())

    def _run_command(self, key: str) -> bool:
        """Run the command of a key that is not the game's. Returns whether `key` is such a key."""
        self.note = ""
        if key == "escape":
            self.window.close()
        elif key == "p":
            self.paused = not self.paused
        elif key == "r" or (key == "space" and (self.over or "space" not in self._game_keys)):
            self.restart()
        elif key == "g" and self._recorder:
            self.note = self._recorder.save()
        else:
            return False
        return True

    def _chosen_action(self, pressed: list[str]) -> int | None:
        """Return the action of the keys that are down or were pressed since the last frame.

        Without such a key it is the last action, or None if the game waits for a key.
        """
        down = set(pressed)
        if not self._controls.once_per_press:
            down |= self.window.held_keys(self._game_keys)
        matching = [keys for keys in self._controls.keys if keys <= down]
        if matching:
            self._action = self._controls.keys[max(matching, key=len)]
        return None if self._controls.waits and not matching else self._action

    def _text_lines(self) -> list[str]:
        state = "game over: R starts again" if self.over else "paused" if self.paused else self.note
        film = ", G: save a gif" if self._recorder else ""
        return [
            f"Score {self.score:g}   {state}",
            f"Keys: {describe_keys(self._controls.meanings)}",
            f"P: pause, R: restart{film}, Escape: quit",
        ]
