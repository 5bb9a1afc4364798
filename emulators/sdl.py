"""Settings of SDL, which pygame draws with; to be imported before pygame is."""

import os
import tempfile

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # or every worker greets
# Pictures go to a window without OpenGL: Mesa's LLVM and TensorFlow's in one process crash.
os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())  # or SDL complains where there is no desktop
