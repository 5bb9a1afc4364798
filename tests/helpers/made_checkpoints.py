"""Small checkpoints, which hold a number instead of a network."""

import tensorflow as tf

from paac.training.checkpoint_folder import CheckpointFolder

EMULATORS = [bytes([number, 0, 255, 0]) * (number + 1) for number in range(12)]  # twelve: "10" must not sort before "2"


class Net(tf.Module):
    """Stands for a network, whose size would only cost time."""

    def __init__(self, value, size=3):
        super().__init__()
        self.weights = tf.Variable(tf.fill([size], float(value)))


def write(folder, step, value=None, *, keep=9, emulators=EMULATORS):
    value = step if value is None else value
    folder.parent.mkdir(parents=True, exist_ok=True)
    CheckpointFolder(folder).write(
        step, {"network": Net(value)}, {"global_step": step, "value": value}, emulators, keep
    )
    return folder / str(step)


def value_in(checkpoint):
    network = Net(-1)
    checkpoint.restore(network=network)
    return network.weights.numpy()[0]


def steps_in(folder):
    return sorted(int(entry.name) for entry in folder.iterdir() if entry.is_dir())


def flip(file, position, bit=0):
    content = bytearray(file.read_bytes())
    content[position] ^= 1 << bit
    file.write_bytes(content)
