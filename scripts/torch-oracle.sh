#!/usr/bin/env bash
# Usage: scripts/torch-oracle.sh [--small] [MODEL...]
#
# Five networks of the zoo against timm's, logits and all gradients, in f64. At full
# size it takes tens of minutes and writes results/torch.md; with --small about a
# minute, deliberate mistakes included. COTANGENT=PATH uses that program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup-python.sh peers
if [[ -z ${COTANGENT:-} ]]; then
    cargo build -p cotangent
    COTANGENT=target/debug/cotangent
fi
write=()
[[ $# -gt 0 ]] || write=(--write results/torch.md)
mkdir -p results
exec .venv-peers/bin/python -m oracle.torch --command "$COTANGENT" "${write[@]}" "$@"
