"""Atari 2600 games on the Arcade Learning Environment (Bellemare et al. 2013), every setting written out."""

import os
from pathlib import Path

import numpy as np
from ale_py import Action, ALEInterface, ALEState, LoggerMode, roms

from emulators.atari_palette import colour_table, luminance_table
from emulators.emulator import Emulator, GameError, Seed

LARGEST_ROM = 1 << 20  # bytes; cartridges hold 64 KiB at most, and a huge file must not be read to find that out

ALEInterface.setLoggerMode(LoggerMode.Error)  # 32 emulators would greet 32 times


class AtariEmulator(Emulator):
    """One Atari game. Four frames a decision, the last two joined: sprites may flicker, shown in every other frame."""

    def __init__(
        self, rom: str, *, seed: Seed, sticky_actions: float = 0.0, full_action_space: bool = False, **settings
    ):
        """`sticky_actions` is the probability that a frame repeats the action of the frame before it, and
        `full_action_space` gives all 18 actions in place of the game's own (Machado et al. 2018). The other `settings`
        are those of `Emulator`.
        """
        self._ale = ALEInterface()
        self._ale.setInt("random_seed", int(np.random.SeedSequence(seed).generate_state(1)[0] >> 1))  # 31 bits
        self._ale.setFloat("repeat_action_probability", 0.0)  # ours, below: ALE's states forget what sticks
        self._ale.setInt("frame_skip", 1)  # skipping is ours, so that every frame can be seen
        self._ale.setBool("color_averaging", False)  # pooling is ours too
        self._ale.loadROM(rom)
        actions = self._ale.getLegalActionSet() if full_action_space else self._ale.getMinimalActionSet()
        self._actions = [action.value for action in actions]
        self.num_actions = len(actions)
        self.noop = actions.index(Action.NOOP) if Action.NOOP in actions else None
        self._sticky_actions = sticky_actions
        self._pressed = 0  # ALE's number of the action of the frame before
        height, width = self._ale.getScreenDims()
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
        """The base's without its Python calls between frames, which took about 4% of a decision."""
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
        """ALE's: NOOP, FIRE, UP, ..."""
        return [Action(action).name for action in self._actions]

    def _is_over(self) -> bool:
        return self._ale.game_over()

    def _lives(self) -> int:
        return self._ale.lives()

    def _save(self) -> bytes:
        return bytes([self._pressed]) + self._ale.cloneState(include_rng=True).serialize()

    def _load(self, state: bytes) -> None:
        self._pressed = state[0]
        self._ale.restoreState(ALEState(state[1:]))


def game_names() -> list[str]:
    """Names of the games that come with ale-py and that one player can play."""
    return sorted(name for name in roms.get_all_rom_ids() if is_playable(_bundled(name)))


def find_rom(name: str, rom_path: str) -> tuple[str | None, str]:
    """The file to load for `name` and a notice for the user, if there is one to give.

    A file NAME.bin in `rom_path` goes first, then ale-py's own; None if neither has the name. Raises GameError for a
    name whose only file cannot be played.
    """
    own = Path(rom_path) / f"{name}.bin"
    bundled = name in roms.get_all_rom_ids()
    if is_playable(own):
        return str(own), ""
    notice = f"{own} is not a ROM that the emulator knows" if os.path.lexists(own) else ""
    if not bundled:
        if notice:
            raise GameError(f"{notice}: put a supported {name}.bin there, or name another game with -g")
        return None, ""
    rom = _bundled(name)
    if not is_playable(rom):
        raise GameError(f"-g {name}: the Atari game needs two players; name another game with -g")
    return str(rom), notice and f"{notice}; playing the library's own {name}"


def _bundled(name: str) -> Path:
    return Path(roms.get_rom_path(name) or "")


def is_playable(file: Path) -> bool:
    """Whether ALE can load `file`; `loadROM` itself would end or hang the process on a bad one."""
    return (
        file.is_file()
        and os.access(file, os.R_OK)
        and 0 < file.stat().st_size <= LARGEST_ROM
        and ALEInterface.isSupportedROM(str(file)) is not None
    )
