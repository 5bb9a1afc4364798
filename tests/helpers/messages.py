"""What a user is told."""


def message_of(error):
    """The message, which must be one line."""
    message = str(error.value)
    assert "\n" not in message
    return message
