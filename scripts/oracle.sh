#!/bin/sh
# Holds a graft binary to the oracle in fixtures/oracle: oracle.sh GRAFT [options of oracle.compare]
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
python=python3
command -v python3 >/dev/null || { echo "graft: the oracle needs python3 and numpy" >&2; exit 1; }
if ! python3 -c 'import numpy' 2>/dev/null; then
  venv=$root/.build/oracle
  python=$venv/bin/python
  if ! "$python" -c 'import numpy' 2>/dev/null; then
    echo "installing numpy in $venv"
    { python3 -m venv "$venv" && "$python" -m pip install --quiet numpy; } || {
      echo "graft: the oracle needs numpy, and neither python3 nor pip has it here." >&2
      echo "Install it another way, such as apt-get install python3-numpy, and run make again." >&2
      exit 1
    }
  fi
fi
# The matrices are small: threads would only wait for each other.
PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=1 PYTHONPATH=$root/fixtures exec "$python" -m oracle.compare "$@"
