#!/usr/bin/env bash
# What the suites on real processes need of the machine besides Node.js and npm; as root on Debian it is installed.
set -uo pipefail
export DEBIAN_FRONTEND=noninteractive

missing=()
need() { # command, Debian packages that bring it
  command -v "$1" >/dev/null 2>&1 || missing+=("${@:2}")
}
need chromium chromium      # the live page, in a browser
need ip iproute2            # two machines, as network namespaces
need ssh openssh-client     # the ssh launcher, against a server of our own
need sshd openssh-server
need g++ g++                # the native runtime
need python3 python3 python3-pip python3-venv # the native runtime's wheels; checkpoints read by Python
if command -v python3 >/dev/null 2>&1; then
  python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
  python3 -c "import venv, ensurepip" >/dev/null 2>&1 || missing+=(python3-venv)
fi

if ((${#missing[@]})); then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing: ${missing[*]}"
    log=$(mktemp)
    if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
      tail -n 20 "$log"
      echo "Some of these could not be installed; tests that need them will say so."
    fi
    rm -f "$log"
  else
    echo "Missing: ${missing[*]}. Tests that need them will fail; install them with your package manager."
  fi
fi
