"""Playing by hand: a window, the keyboard, the score."""

import os
import sys
from typing import Protocol

import numpy as np
import pygame

from emulators.emulator import Emulator, GameError

WIDEST, HIGHEST = 1200, 800  # pixels of the game in the window at most
LINE = 20  # pixels of a line of text
INK, PAPER, BRIGHT = (200, 200, 200), (24, 24, 28), (255, 220, 120)
NAMES = {"up": "Up", "down": "Down", "left": "Left", "right": "Right", "space": "Space", "return": "Return"}


class Recorder(Protocol):
    """Keeps the screens of an episode, and writes them as a film."""

    def start(self) -> None: ...

    def add(self, screen: np.ndarray) -> None: ...

    def save(self) -> str: ...


class Window:
    """One game, played until the window is closed. Keys: the game's own, and P, R, G and Escape."""

    def __init__(self, title: str, emulator: Emulator, recorder: Recorder | None = None):
        """Raises GameError without a display."""
        known = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"))
        try:
            if sys.platform == "linux" and not known:  # SDL would draw where nobody sees it
                raise pygame.error("DISPLAY is not set")
            pygame.display.init()
        except pygame.error as error:
            raise GameError(f"no display to open a window on ({error}); play where there is a screen") from None
        pygame.font.init()
        self._font = pygame.font.Font(pygame.font.get_default_font(), 14)
        self._emulator = emulator
        self._recorder = recorder
        self._keys = emulator.keys()
        self._single = sorted({key for keys in self._keys for key in keys})
        height, width = emulator.screen().shape[:2]
        if isinstance(emulator.aspect, float):
            width = round(height * emulator.aspect)
        scale = max(1, int(min(WIDEST / width, HIGHEST / height)))
        self._size = width * scale, height * scale
        self._window = pygame.display.set_mode((max(420, self._size[0]), self._size[1] + 3 * LINE + 8))
        pygame.display.set_caption(title)
        if emulator.key_repeat:
            pygame.key.set_repeat(220, emulator.key_repeat)
        self.paused = self.closed = False
        self.note = ""
        self.restart()

    def restart(self) -> None:
        """Start a new episode."""
        if self._recorder:
            self._recorder.start()
        self._emulator.start_by_hand()
        self.score, self.over, self.paused = 0.0, False, False
        self._action = self._keys.get(frozenset(), 0)

    def play(self) -> None:
        """Play in real time until the window is closed."""
        clock = pygame.time.Clock()
        passed = 0
        while not self.closed:
            self.frame(passed / 1000)
            passed = clock.tick(self._emulator.frames_per_second)

    def frame(self, seconds: float) -> None:
        """Take the keys, play one frame and show it."""
        tapped = [name for name in map(self._take, pygame.event.get()) if name in self._single]
        if not self.paused and not self.over and not self.closed:
            reward, self.over = self._emulator.frame_by_hand(self._chosen(tapped), seconds)
            self.score += reward
            if self._recorder:
                self._recorder.add(self._emulator.screen())
        if not self.closed:
            self._show()

    def _take(self, event: pygame.event.Event) -> str:
        """Do what a key of the window's own asks for; returns the name of the key, "" for anything else."""
        if event.type == pygame.QUIT:
            self.close()
        if event.type != pygame.KEYDOWN:
            return ""
        name = pygame.key.name(event.key)
        self.note = ""
        if name == "escape":
            self.close()
        elif name == "p":
            self.paused = not self.paused
        elif name == "r" or (name == "space" and (self.over or "space" not in self._single)):
            self.restart()
            return ""
        elif name == "g" and self._recorder:
            self.note = self._recorder.save()
        return name

    def _chosen(self, tapped: list[str]) -> int:
        """The action of the keys that are down, or were tapped since the last frame."""
        down = set(tapped)
        if not self._emulator.taps:
            held = pygame.key.get_pressed()
            down |= {name for name in self._single if held[pygame.key.key_code(name)]}
        fitting = [keys for keys in self._keys if keys <= down]
        if fitting:
            self._action = self._keys[max(fitting, key=len)]
        return self._action

    def _show(self) -> None:
        picture = np.ascontiguousarray(self._emulator.screen())
        image = pygame.image.frombuffer(picture.data, (picture.shape[1], picture.shape[0]), "RGB")
        self._window.fill(PAPER)
        left = (self._window.get_width() - self._size[0]) // 2
        self._window.blit(pygame.transform.scale(image, self._size), (left, 0))
        state = "game over: R starts again" if self.over else "paused" if self.paused else self.note
        film = "  G gif" if self._recorder else ""
        lines = [
            (f"Score {self.score:g}   {state}", BRIGHT),
            ("Keys: " + "  ".join(NAMES.get(name, name) for name in self._single), INK),
            (f"P pause  R restart{film}  Escape quit", INK),
        ]
        for row, (line, colour) in enumerate(lines):
            self._window.blit(self._font.render(line, True, colour), (8, self._size[1] + 4 + row * LINE))
        pygame.display.flip()

    def close(self) -> None:
        """Close the window."""
        self.closed = True
        pygame.display.quit()
