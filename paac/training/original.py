"""Checkpoints of the original Manette, and of the program of PAAC's authors. Their networks all exist here too.

    RUN/checkpoints/-STEP.index, -STEP.data-00000-of-00001      by TensorFlow 1's Saver; STEP is the global step

Kernels, flattened features and channels have the same order of axes there and here, so values are copied unchanged.
Name scopes differ from run to run, so a variable is found by the last part of its name and by its shape.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paac.training.checkpoint import CheckpointError
from paac.training.tensor_bundle import path_for_tensorflow, read_shapes

if TYPE_CHECKING:
    from networks.actor_critic import ActorCritic
    from paac.optimizer import RMSProp

LAYERS = {  # of each torso: the layer's name here -> its name there
    "NIPS": {"conv1": "conv1", "conv2": "conv2", "dense": "fc3"},
    "NATURE": {"conv1": "conv1", "conv2": "conv2", "conv3": "conv3", "dense": "fc4"},
    "PWYX": {"conv1": "conv1", "conv2": "conv2", "conv3": "conv3", "conv4": "conv4", "dense": "fc5"},
    "BAYESIAN": {"conv1": "conv1", "conv2": "conv2", "dense": "fc3", "dense2": "fc4"},
    "LSTM": {"conv1": "conv1", "conv2": "conv2", "conv3": "conv3", "conv4": "conv4", "dense": "fc6"},
}
HEADS = {"policy": "actor_output", "value": "critic_output", "repetition": "repetition_output"}
MEAN_SQUARE = "OptimizerVariables"  # RMSProp's mean square of a variable is named VARIABLE/OptimizerVariables


class OriginalCheckpoint:
    """The files `-STEP.*` in a folder `checkpoints`, with the methods of `Checkpoint` that a restore needs."""

    has_emulators = False

    def __init__(self, folder: Path, step: int):
        self.folder = folder
        self.step = step

    def __str__(self) -> str:
        return f"{self.folder}/-{self.step}"

    @classmethod
    def all_in(cls, folder: Path) -> list["OriginalCheckpoint"]:
        """Return the original's checkpoints in a folder `checkpoints`, in ascending order of their steps."""
        found = (re.fullmatch(r"-(\d+)\.index", file.name) for file in folder.glob("-*.index"))
        return [cls(folder, step) for step in sorted(int(match[1]) for match in found if match)]

    def files(self) -> list[Path]:
        """Return the files of the checkpoint; others in its folder do not belong to it."""
        return [self.folder / f"-{self.step}.index", *sorted(self.folder.glob(f"-{self.step}.data-*"))]

    def is_intact(self) -> bool:
        """Return True: no training deletes it."""
        return True

    def has_optimizer(self) -> bool:
        """Return whether RMSProp's statistics are there. Raises CheckpointError."""
        return any(name.endswith(f"/{MEAN_SQUARE}") for name in self._shapes())

    def restore(self, network: "ActorCritic", optimizer: "RMSProp | None" = None) -> None:
        """Load the weights of `network`, and RMSProp's mean squares if `optimizer` is given.

        PAAC's checkpoints have no repetition head: with one choice of repeats, the head keeps its initial weights,
        which have no effect. Raises CheckpointError if a variable is missing or has another shape, or if the files are
        damaged.
        """
        shapes = self._shapes()
        loaded = []  # pairs of a variable and its value; nothing is assigned before everything has been read
        mean_squares = {} if optimizer is None else dict(zip(_ids(network), optimizer.mean_squares, strict=True))
        for variable, names in _names(network):
            name = self._find(shapes, variable, names)
            if name is not None:
                loaded.append((variable, self._read(name)))
                if optimizer is not None:
                    loaded.append((mean_squares[id(variable)], self._read(f"{name}/{MEAN_SQUARE}")))
        for variable, value in loaded:
            variable.assign(value)

    def _find(self, shapes: Mapping[str, Sequence[int]], variable: Any, names: Sequence[str]) -> str | None:
        """Return the full name of a variable whose last part is one of `names`; None for PAAC's missing head."""
        named = [full_name for full_name in shapes if full_name.rpartition("/")[2] in names]
        fitting = [full_name for full_name in named if tuple(shapes[full_name]) == tuple(variable.shape)]
        if len(fitting) == 1:
            return fitting[0]
        if not named and names[0].startswith(HEADS["repetition"]) and variable.shape[-1] == 1:
            return None
        found = f"its shape is {list(shapes[named[0]])}" if named else "there is none"
        raise CheckpointError(
            f"{self} does not fit the run's game and options: {names[0]} should have the shape "
            f"{list(variable.shape)}, but {found}"
        )

    def _shapes(self) -> dict[str, list[int]]:
        try:
            return read_shapes(self.folder, f"-{self.step}")
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self} is damaged ({error})") from None

    def _read(self, name: str) -> Any:
        import tensorflow as tf

        with path_for_tensorflow(self.folder) as folder:
            try:
                return tf.train.load_checkpoint(f"{folder}/-{self.step}").get_tensor(name)
            except (OSError, ValueError, LookupError, RuntimeError, tf.errors.OpError) as error:
                raise CheckpointError(f"{self} is damaged ({str(error).splitlines()[0]})") from None


def _ids(network: "ActorCritic") -> list[int]:
    return [id(variable) for variable in network.trainable_variables]


def _names(network: "ActorCritic") -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield each variable, and the last parts that its name may have in the original's newer and older checkpoints."""
    arch = type(network.torso).__name__
    if arch not in LAYERS:
        raise CheckpointError(f"--arch {arch}: the original Manette has no such network; use the run's own --arch")
    layers = {getattr(network.torso, ours): theirs for ours, theirs in LAYERS[arch].items()}
    layers |= {getattr(network, ours): theirs for ours, theirs in HEADS.items()}
    for layer, theirs in layers.items():
        yield layer.kernel, (f"{theirs}_weights",)
        yield layer.bias, (f"{theirs}_biases",)
    if arch == "LSTM":
        yield network.torso.recurrent.kernel, ("kernel", "weights")
        yield network.torso.recurrent.bias, ("bias", "biases")
        yield network.torso.linear.kernel, ("Variable",)
        yield network.torso.linear.bias, ("Variable_1",)
