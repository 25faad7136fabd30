#!/bin/sh
# Print the path of a Python that can make Quilt's environment, or say what is missing.
# QUILT_PYTHON names one yourself.
set -u

LEAST="3.11"
CHECK='import sys, venv; sys.exit(sys.version_info < (3, 11))'
INSTALLER='import ensurepip'
OTHER_INSTALLER='import sys, pip; sys.exit(int(pip.__version__.split(".")[0]) < 23)'

can() { "$1" -c "$2" </dev/null >/dev/null 2>&1; }

IFS=:
old_python=""
bare_python=""
candidates="${QUILT_PYTHON:-}"
for name in python3 python3.11 python3.12 python3.13 python3.14 python; do
    for folder in $PATH; do
        [ -x "$folder/$name" ] && candidates="$candidates:$folder/$name"
    done
done

for python in $candidates; do
    [ -n "$python" ] || continue
    if ! can "$python" "$CHECK"; then
        old_python="$python"
    elif can "$python" "$INSTALLER" || can "$python" "$OTHER_INSTALLER"; then
        echo "$python"
        exit 0
    else
        bare_python="$python"
    fi
done

{
    if [ -n "$bare_python" ]; then
        echo "$bare_python is new enough, but it can neither make an environment with pip (ensurepip) nor has pip."
        echo "On Debian and Ubuntu:  apt install python3-venv     then try again."
    elif [ -n "$old_python" ]; then
        echo "Quilt needs Python $LEAST or newer; the newest one found is not ($("$old_python" --version 2>&1))."
        echo "Install a newer one, or name it:  make setup QUILT_PYTHON=/path/to/python3.12"
    else
        echo "Quilt needs Python $LEAST or newer, and there is none in PATH."
        echo "On Debian and Ubuntu:  apt install python3 python3-venv     then try again."
    fi
} >&2
exit 1
