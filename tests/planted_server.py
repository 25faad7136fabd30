"""Our own server with a planted flaw in it: usage: python -m tests.planted_server MODULE HOST PORT WORKERS"""

import importlib
import sys

from quilt import serving


def main() -> None:
    """Load the application, let the module's `plant_flaw` change it, and serve it."""
    serving.load_application()
    importlib.import_module(sys.argv.pop(1)).plant_flaw()
    serving.main()


if __name__ == "__main__":
    main()
