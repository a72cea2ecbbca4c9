#!/usr/bin/env bash
# The test command: sets up what it needs, checks everything, and says so at the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() { printf '\n== [%d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }
fail() {
    printf 'test: %s\n' "$*" >&2
    exit 1
}

command -v cargo >/dev/null || fail "cargo is not installed; https://rustup.rs installs it"
for component in fmt clippy; do
    cargo "$component" --version >/dev/null 2>&1 ||
        fail "cargo $component is missing; rustup component add rustfmt clippy"
done

step "Python environment of the oracle"
scripts/setup-python.sh oracle

step "Format and lints"
cargo fmt --all --check
cargo clippy --workspace --all-targets -- -D warnings

step "Coq"
scripts/setup-coq.sh

step "Proofs"
make -C proofs -j 2

step "No hole, no axiom, and the gate that sees to it can say no; beside it, the Rust build"
# Coq's independent checker has one thread.
mkdir -p target
make -C proofs validate >target/validate.log 2>&1 &
validate=$!
trap 'kill "$validate" 2>/dev/null || true' EXIT
# Programs and tests in one build: alone, the programs' dependencies have other
# features, and are compiled once more.
cargo build --workspace --bins --tests
wait "$validate" || fail "$(cat target/validate.log)"
cat target/validate.log
trap - EXIT

step "Rust tests"
# Tests that run Coq use the theories compiled above.
export COTANGENT_PROOFS=$PWD/proofs/theories
cargo test --workspace

step "The oracle can say no"
.venv-oracle/bin/python -m oracle.selftest

step "Emitted programs, executed by XLA, against JAX"
rm -rf target/oracle
target/debug/xtask oracle
[[ -n $(find target/oracle -name case.json -print -quit) ]] || fail "xtask oracle wrote no cases"

step "Train steps of the zoo, compiled and run by IREE; those of published size, read by IREE and XLA"
target/debug/xtask lowerers

step "Weights and gradients of timm's networks, beside ours"
COTANGENT=target/debug/cotangent bash scripts/torch-oracle.sh --small

step "The proofs' meaning of StableHLO, run by Coq, against XLA"
target/debug/xtask twin

step "All tests passed."
