"""Atari 2600 games in the Arcade Learning Environment, ALE (Bellemare et al. 2013), with every setting explicit."""

import os
from pathlib import Path

import numpy as np
from ale_py import Action, ALEInterface, ALEState, LoggerMode, roms

from emulators.atari_palette import PAL_HEIGHT, colour_table, luminance_table
from emulators.emulator import Emulator, GameError, Seed

MAX_ROM_BYTES = 1 << 20  # cartridges hold at most 64 KiB; larger files are refused without reading them

ALEInterface.setLoggerMode(LoggerMode.Error)  # otherwise each emulator prints a greeting


class AtariEmulator(Emulator):
    """One Atari game.

    A play has four frames. The observation shows the pixel-wise maximum of the last two, because some games draw a
    sprite only in every other frame.
    """

    def __init__(
        self, rom: str, *, seed: Seed, sticky_actions: float = 0.0, full_action_space: bool = False, **settings
    ):
        """Load the game.

        Args:
            rom: path of the ROM file.
            seed: of the random generators, one integer or several.
            sticky_actions: probability that a frame repeats the action of the frame before it (Machado et al. 2018).
            full_action_space: whether the agent has all 18 actions instead of those that the game uses.
            **settings: those of `Emulator`.
        """
        self._ale = ALEInterface()
        self._ale.setInt("random_seed", int(np.random.SeedSequence(seed).generate_state(1)[0] >> 1))  # 31 bits
        # Sticky actions, frame skip and pooling are done here and not by ALE, whose saved states lack the last action
        # and whose frame skip hides the frames in between.
        self._ale.setFloat("repeat_action_probability", 0.0)
        self._ale.setInt("frame_skip", 1)
        self._ale.setBool("color_averaging", False)
        self._ale.loadROM(rom)
        actions = self._ale.getLegalActionSet() if full_action_space else self._ale.getMinimalActionSet()
        self._actions = [action.value for action in actions]
        self.num_actions = len(actions)
        self.noop = actions.index(Action.NOOP) if Action.NOOP in actions else None
        self._sticky_actions = sticky_actions
        self._pressed = 0  # the last frame's action, as ALE numbers actions
        height, width = self._ale.getScreenDims()
        self.frames_per_second = 50 if height == PAL_HEIGHT else 60
        super().__init__(
            (height, width),
            seed=seed,
            colours=colour_table(height),
            luminances=luminance_table(height),
            **settings,
        )

    def _start(self) -> None:
        self._ale.reset_game()
        self._pressed = Action.NOOP.value

    def _press(self, action: int) -> float:
        if not self._sticky_actions or self._random.random() >= self._sticky_actions:
            self._pressed = self._actions[action]
        return self._ale.act(self._pressed)

    def _play(self, action: int, screens: list[np.ndarray]) -> float:
        """Do what `Emulator._play` does, without its Python calls per frame, which take about 4% of the time."""
        if self._sticky_actions or self.on_frame is not None:
            return super()._play(action, screens)
        act, pressed = self._ale.act, self._actions[action]
        reward = 0.0
        for _ in range(self.frame_skip - self.pooled_frames):
            reward += act(pressed)
        for screen in screens:
            reward += act(pressed)
            self._ale.getScreen(screen)
        self._screen = screens[-1]
        self._frames += self.frame_skip
        return reward

    def _show(self, screen: np.ndarray) -> None:
        self._ale.getScreen(screen)

    @property
    def action_names(self) -> list[str]:
        """ALE's names of the actions: NOOP, FIRE, UP, ..."""
        return [Action(action).name for action in self._actions]

    def _is_over(self) -> bool:
        return self._ale.game_over()

    def _lives(self) -> int:
        return self._ale.lives()

    def _save(self) -> bytes:
        return bytes([self._pressed]) + self._ale.cloneState(include_rng=True).serialize()

    def _load(self, state: bytes) -> None:
        self._pressed = state[0]
        saved = ALEState(state[1:])
        self._ale.restoreState(saved)
        # ale-py 0.12.1 does not save whether the last frame was complete. Without this frame, a new ALE continues
        # differently in qbert and atari:tetris.
        self._ale.act(Action.NOOP.value)
        self._ale.restoreState(saved)


def game_names() -> list[str]:
    """Return the names of the one-player games that come with ale-py."""
    return sorted(name for name in roms.get_all_rom_ids() if is_playable(_bundled(name)))


def find_rom(name: str, rom_path: str) -> tuple[str | None, str]:
    """Return the ROM file of the game `name`, or None if there is none, and a notice for the user, or "".

    A file NAME.bin in `rom_path` takes precedence over the ROM that comes with ale-py. Raises GameError if there is
    only a file that cannot be played.
    """
    own = Path(rom_path) / f"{name}.bin"
    bundled = name in roms.get_all_rom_ids()
    if is_playable(own):
        return str(own), ""
    notice = f"{own} is not a ROM that the emulator knows" if os.path.lexists(own) else ""
    if not bundled:
        if notice:
            raise GameError(f"{notice}: put a supported {name}.bin there, or choose another game with -g")
        return None, ""
    rom = _bundled(name)
    if not is_playable(rom):
        raise GameError(f"-g {name}: this Atari game needs two players; choose another game with -g")
    return str(rom), notice and f"{notice}; playing the library's own {name}"


def _bundled(name: str) -> Path:
    return Path(roms.get_rom_path(name) or "")


def is_playable(file: Path) -> bool:
    """Whether ALE can load `file`. On a bad file `loadROM` would end the process or hang."""
    return (
        file.is_file()
        and os.access(file, os.R_OK)
        and 0 < file.stat().st_size <= MAX_ROM_BYTES
        and ALEInterface.isSupportedROM(str(file)) is not None
    )
