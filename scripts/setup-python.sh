#!/usr/bin/env bash
# Usage: scripts/setup-python.sh [oracle|peers]
#
# Creates .venv-oracle (JAX on the CPU: the oracle of the test suite, 0.2 GB to
# download) or .venv-peers (JAX, PyTorch, timm and torchvision: `cotangent bench
# --peers` and `scripts/torch-oracle.sh`, 0.8 GB) at the repository root. Installs
# nothing when the pinned requirements have not changed since the last run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    printf 'setup-python: %s\n' "$*" >&2
    exit 1
}

which=${1:-oracle}
case $which in
oracle) requirements=(oracle/requirements-oracle.txt) ;;
peers) requirements=(oracle/requirements-oracle.txt oracle/requirements-peers.txt oracle/requirements-torch.txt oracle/peers/cuda_absent.py) ;;
*) fail "no environment '$which'; there are: oracle, peers" ;;
esac
venv=.venv-$which

command -v python3 >/dev/null || fail "python3 is not installed; on Debian: apt-get install python3 python3-venv"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$(python3 --version) is too old: the pinned JAX needs Python 3.11 or later"

stamp=$( (python3 --version && cat "${requirements[@]}") | sha256sum | cut -d' ' -f1)
if [[ -x $venv/bin/python && $(cat "$venv/requirements.sha256" 2>/dev/null) == "$stamp" ]]; then
    exit 0
fi

printf 'setup-python: creating %s\n' "$venv"
rm -rf "$venv"
# Debian ships `venv` without `ensurepip`; only making one shows whether it works.
if ! python3 -m venv "$venv" >/dev/null 2>&1; then
    rm -rf "$venv"
    [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null ||
        fail "python3 cannot create virtual environments; install python3-venv (as root: apt-get install python3-venv)"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    python3 -m venv "$venv" || fail "python3 -m venv still fails after installing python3-venv"
fi

pip=("$venv/bin/python" -m pip --disable-pip-version-check --quiet install --no-input)
"${pip[@]}" -r "oracle/requirements-$which.txt"
if [[ $which == peers ]]; then
    "${pip[@]}" --no-deps -r oracle/requirements-torch.txt
    "$venv/bin/python" -m oracle.peers.cuda_absent
    "$venv/bin/python" -c 'import timm, torch, torchvision' || fail "torch, torchvision or timm does not import"
fi
printf '%s\n' "$stamp" >"$venv/requirements.sha256"
