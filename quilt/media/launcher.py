"""Puts on the limits of a job and becomes its program. Run as a file, with the standard library only:

python -I -S launcher.py CPU_SECONDS MEMORY_BYTES OUTPUT_BYTES PARENT_PID PROGRAM [ARGUMENT …]
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
OPEN_FILES = 64


def main(arguments: list[str]) -> None:
    """Never returns: the process becomes the program, with an empty environment."""
    cpu_s, memory_bytes, output_bytes, parent = map(int, arguments[:4])
    program = arguments[4:]
    for signal_number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores both, and a program inherits that
        signal.signal(signal_number, signal.SIG_DFL)
    _die_with_parent(parent)
    limits = {
        resource.RLIMIT_CPU: (cpu_s, cpu_s + 5),
        resource.RLIMIT_AS: (memory_bytes, memory_bytes),
        resource.RLIMIT_FSIZE: (output_bytes, output_bytes),
        resource.RLIMIT_NOFILE: (OPEN_FILES, OPEN_FILES),
        resource.RLIMIT_CORE: (0, 0),
    }
    for limit, pair in limits.items():
        resource.setrlimit(limit, pair)
    os.umask(0o077)
    os.execve(program[0], program, {})


def _die_with_parent(parent: int) -> None:
    """On Linux a job ends with the worker that started it, however that one ends, and never gains rights."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
