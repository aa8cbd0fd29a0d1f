"""What Vulkan's drivers are told before they are looked for, unless the user has said otherwise: as the program does."""

import os


def prepare() -> None:
    """Set the variables of this process."""
    # lavapipe deals a launch out in equal parts, one a thread: with one for each core the slowest decides when it ends.
    os.environ.setdefault("LP_NUM_THREADS", str(2 * (os.cpu_count() or 1)))
    # Mesa's layer would look for the GPU of a desktop that is not there, and complain on standard error.
    desktop = os.path.isabs(os.environ.get("XDG_RUNTIME_DIR", ""))
    if not desktop and "MESA_VK_DEVICE_SELECT" not in os.environ:
        os.environ.setdefault("NODEVICE_SELECT", "1")
