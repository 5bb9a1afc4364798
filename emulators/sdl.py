"""Settings of SDL, the library that pygame draws with. Import this module before pygame."""

import os
import tempfile

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # no greeting from each worker
# Windows are drawn without OpenGL: the LLVM of Mesa crashes in a process that also holds TensorFlow's.
os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())  # without it SDL warns where there is no desktop
