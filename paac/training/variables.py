"""The variables in a checkpoint beside those of the objects that it is read into."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf

KEY_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"  # TensorFlow's, in the key of every variable


def differences(root: "tf.train.Checkpoint", shapes: Mapping[str, Sequence[int]]) -> str:
    """Return which variables of `root` a checkpoint lacks or has with another shape, "" if none.

    `shapes` are those of the variables in the checkpoint, by key.
    """
    missing, others = [], []
    for key, variable in _variables(root):
        saved, shape = shapes.get(key + KEY_SUFFIX), list(variable.shape)
        # A weight of a layer in a list has a number for a key, but a name that tells more.
        name = variable.name.removesuffix(":0") if "/unnamed_weights/" in key else key
        if saved is None:
            missing.append(name)
        elif list(saved) != shape:
            others.append(f"{name} has the shape {list(saved)} instead of {shape}")
    return "; ".join([f"it lacks {', '.join(missing)}"] * bool(missing) + others)


def _variables(root: "tf.train.Checkpoint") -> Iterator[tuple[str, Any]]:
    """Yield the key, without the suffix, and the variable for everything that `root` saves, in the order of saving.

    As in TensorFlow, the shortest path to a variable is its key.
    """
    import keras
    import tensorflow as tf

    seen, found = {id(root)}, deque([("", root)])
    while found:
        path, node = found.popleft()
        if isinstance(node, tf.Variable | keras.Variable):
            yield path, node
        for name, child in tf.train.TrackableView.children(node).items():
            if id(child) not in seen:
                seen.add(id(child))
                found.append((f"{path}/{name}" if path else name, child))
