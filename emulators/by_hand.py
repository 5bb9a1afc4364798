"""Playing by hand: the keys of each platform, a game in its window, the score."""

from typing import NamedTuple, Protocol

import numpy as np
import pygame

from emulators.atari import AtariEmulator
from emulators.emulator import Emulator, GameError
from emulators.pixel_game import PixelGameEmulator
from emulators.window import DisplayError, Window

KEY_NAMES = {"up": "Up", "down": "Down", "left": "Left", "right": "Right", "space": "Space", "return": "Return"}
ATARI_KEYS = {"UP": "up", "DOWN": "down", "LEFT": "left", "RIGHT": "right", "FIRE": "space"}
ATARI_ASPECT = 4 / 3
FIRST_REPEAT_MS = 220  # until a key that stays down counts as pressed again


class Controls(NamedTuple):
    """How a person plays an emulator."""

    keys: dict[frozenset[str], int]  # keys that are held together -> action; no key -> the no-op, where there is one
    aspect: float | None = None  # width by height of the picture on a television, None: as its pixels are
    taps: bool = False  # whether a key acts once each time it is pressed, or as long as it is down
    key_repeat: int = 0  # ms from one tap to the next of a key that stays down, 0: one tap


def controls_of(emulator: Emulator) -> Controls:
    """Atari's arrows and Space, a small game's own keys, or one key for each action."""
    if isinstance(emulator, AtariEmulator):  # UPRIGHTFIRE is up, right and space
        names = enumerate(emulator.action_names)
        keys = {frozenset(key for word, key in ATARI_KEYS.items() if word in name): action for action, name in names}
        return Controls(keys, aspect=ATARI_ASPECT)
    no_key = {} if emulator.noop is None else {frozenset[str](): emulator.noop}
    if isinstance(emulator, PixelGameEmulator):
        game = emulator.game
        return Controls(no_key | _single(game.keys), taps=game.taps, key_repeat=game.key_repeat)
    if emulator.num_actions in (2, 3):
        return Controls(no_key | _single({"left": 0, "right": emulator.num_actions - 1}))
    return Controls(no_key | _single({str(action): action for action in range(min(10, emulator.num_actions))}))


def _single(keys: dict[str, int]) -> dict[frozenset[str], int]:
    return {frozenset({key}): action for key, action in keys.items()}


def start_by_hand(emulator: Emulator) -> None:
    """Start an episode at its first frame, without no-ops."""
    emulator._start()
    emulator._show(emulator._screen)


def frame_by_hand(emulator: Emulator, action: int, seconds: float) -> tuple[float, bool]:
    """Press `action` for one frame, `seconds` after the last one; returns its reward and whether the episode is over.

    Observations are not kept up to date: after this, go on with `start_by_hand` or `Emulator.reset`.
    """
    if isinstance(emulator, PixelGameEmulator):
        reward = emulator.game.advance_by_hand(action, seconds)
    else:
        reward = emulator._press(action)
    emulator._show(emulator._screen)
    return reward, emulator._is_over() or emulator._is_truncated()


class Recorder(Protocol):
    """Keeps the screens of an episode, and writes them as a film."""

    def start(self) -> None: ...

    def add(self, screen: np.ndarray) -> None: ...

    def save(self) -> str: ...


class ManualPlay:
    """One game, played in real time until the window is closed. Keys: the game's own, and P, R, G and Escape."""

    def __init__(self, title: str, emulator: Emulator, recorder: Recorder | None = None):
        """Raises GameError without a display."""
        try:
            self.window = Window(title)
        except DisplayError as error:
            raise GameError(f"{error}; play where there is a screen") from None
        self.emulator = emulator
        self._recorder = recorder
        self._controls = controls_of(emulator)
        self._single = sorted({key for keys in self._controls.keys for key in keys})
        height, width = emulator.screen().shape[:2]
        if self._controls.aspect:
            width = round(height * self._controls.aspect)
        scale = max(1, int(self.window.fitting_scale(width, height)))
        self._size = scale * width, scale * height
        if self._controls.key_repeat:
            pygame.key.set_repeat(FIRST_REPEAT_MS, self._controls.key_repeat)
        self.note = ""
        self.restart()

    def restart(self) -> None:
        """Start a new episode."""
        if self._recorder:
            self._recorder.start()
        start_by_hand(self.emulator)
        self.score, self.over, self.paused = 0.0, False, False
        self._action = self._controls.keys.get(frozenset(), 0)

    def play(self) -> None:
        """Play in real time until the window is closed."""
        clock = pygame.time.Clock()
        passed = 0
        while not self.window.closed:
            self.frame(passed / 1000)
            passed = clock.tick(self.emulator.frames_per_second)

    def frame(self, seconds: float) -> None:
        """Take the keys, play one frame, `seconds` after the last one, and show it."""
        tapped = [key for key in self.window.pressed_keys() if not self._command(key)]
        if self.window.closed:
            return
        if not self.paused and not self.over:
            reward, self.over = frame_by_hand(self.emulator, self._chosen(tapped), seconds)
            self.score += reward
            if self._recorder:
                self._recorder.add(self.emulator.screen())
        self.window.show(self.emulator.screen(), self._size, self._lines())

    def _command(self, key: str) -> bool:
        """Do what a key of the window's own asks for; returns whether it is one."""
        self.note = ""
        if key == "escape":
            self.window.close()
        elif key == "p":
            self.paused = not self.paused
        elif key == "r" or (key == "space" and (self.over or "space" not in self._single)):
            self.restart()
        elif key == "g" and self._recorder:
            self.note = self._recorder.save()
        else:
            return False
        return True

    def _chosen(self, tapped: list[str]) -> int:
        """The action of the keys that are down, or were tapped since the last frame."""
        down = set(tapped)
        if not self._controls.taps:
            down |= self.window.held_keys(self._single)
        fitting = [keys for keys in self._controls.keys if keys <= down]
        if fitting:
            self._action = self._controls.keys[max(fitting, key=len)]
        return self._action

    def _lines(self) -> list[str]:
        state = "game over: R starts again" if self.over else "paused" if self.paused else self.note
        film = "  G gif" if self._recorder else ""
        return [
            f"Score {self.score:g}   {state}",
            "Keys: " + "  ".join(KEY_NAMES.get(key, key) for key in self._single),
            f"P pause  R restart{film}  Escape quit",
        ]
