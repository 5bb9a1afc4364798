"""Checks of a new network: the mistakes that would otherwise show late, or not at all, in a training."""

from collections.abc import Iterator, Mapping, Sequence

import keras
import tensorflow as tf

from networks.errors import NetworkError, network_error


def named(torso: keras.Model) -> tuple[str, str]:
    """Return the name of the torso's class, which is its --arch, and that of its module."""
    return type(torso).__name__, type(torso).__module__


def check_rows(torso: keras.Model, method: str, result: tf.Tensor, count: int) -> None:
    """Raise NetworkError unless the `result` of a method of the torso for `count` observations has a row for each."""
    given = type(result).__name__
    if tf.is_tensor(result):
        if len(result.shape) == 2 and result.shape[0] == count and (method == "encode" or result.dtype.is_floating):
            return
        given = f"{result.dtype.name} {list(result.shape)}"
    raise _error(
        torso,
        f"{method} gives {given} for {count} observations; it must return a row of floats for each, [{count}, N]: "
        "end it with keras.layers.Flatten(), made in __init__",
    )


def check_weights(network: keras.Model, used: Sequence[tf.Variable]) -> None:
    """Raise NetworkError if the network uses a weight that it does not know, or has a layer that it did not use.

    `used` are the trainable variables that its first run has read.
    """
    known = {id(weight.value) for weight in network.weights}  # of type tf.Variable
    hidden = [variable.name for variable in used if id(variable) not in known]
    if hidden:
        raise _error(
            network.torso,
            f"{_names(hidden)} cannot be trained and saved; make each layer in __init__, as an attribute or in a list "
            "or dictionary that is one, and each weight of your own with self.add_weight",
        )
    attributes = {name: value for name, value in vars(network.torso).items() if not name.startswith("_")}  # not Keras's
    unused = [f"self.{name}" for name, layer in _items(attributes) if _lacks_weights(layer)]
    if unused:
        raise _error(network.torso, f"{_names(unused)} is never used; use it in encode or combine, or remove it")


def check_gradients(network: keras.Model, gradients: Sequence[tf.Tensor | None]) -> None:
    """Raise NetworkError if one of the gradients of the loss, of `network.trainable_variables`, is None."""
    weights = zip(network.trainable_variables, gradients, strict=True)
    cut_off = [weight.path for weight, gradient in weights if gradient is None]
    if cut_off:
        raise _error(
            network.torso,
            f"{_names(cut_off)} would not be trained, because the outputs do not depend on them; use the result of its "
            "layer, or set trainable=False",
        )


class WeightList(tf.Module):
    """Weights that tf.train.Checkpoint finds here."""

    def __init__(self, weights: Sequence[keras.Variable]):
        super().__init__()
        self.values = [weight.value for weight in weights]


def weights_in_collections(network: keras.Model) -> WeightList | None:
    """Return the weights that tf.train.Checkpoint does not find in `network`, or None if it finds all.

    It silently leaves out Keras layers in lists, tuples and dictionaries.
    """
    found = {id(node) for node in tf.train.TrackableView(network).descendants()}
    others = [weight for weight in network.weights if not {id(weight), id(weight.value)} & found]
    return WeightList(others) if others else None


def _items(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Yield all values in a dictionary, list or tuple, also in nested ones, with names such as blocks[1][0]."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _items(item, f"{name}[{key!r}]" if name else key)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _items(item, f"{name}[{number}]")
    else:
        yield name, value


def _lacks_weights(attribute: object) -> bool:
    """Whether this is a layer that makes its weights when it is first called, and that was never called."""
    return isinstance(attribute, keras.Layer) and not attribute.built and type(attribute).build != keras.Layer.build


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _error(torso: keras.Model, what: str) -> NetworkError:
    return network_error(*named(torso), what)
