#!/usr/bin/env bash
# Usage: scripts/setup-coq.sh
#
# Installs Coq 8.16 and MathComp-Analysis 0.6.0 from Debian 12's packages (0.4 GB),
# where they are missing. Elsewhere it says what to install.
set -euo pipefail

fail() {
    printf 'setup-coq: %s\n' "$*" >&2
    exit 1
}

ready() {
    [[ $(coqc --print-version 2>/dev/null) == 8.16* ]] &&
        [[ -e $(coqc -where)/user-contrib/mathcomp/analysis/derive.vo ]]
}

ready && exit 0
packages=(coq libcoq-mathcomp-analysis)
opam="opam install coq.8.16.1 coq-mathcomp-analysis.0.6.0"
. /etc/os-release 2>/dev/null || true
[[ ${ID:-} == debian && ${VERSION_ID:-} == 12 ]] ||
    fail "Coq 8.16 with MathComp-Analysis is missing; install it: $opam"
[[ $(id -u) == 0 ]] || fail "Coq is missing; as root: apt-get install ${packages[*]}"
printf 'setup-coq: installing %s\n' "${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${packages[@]}" make >/dev/null
ready || fail "coqc still does not work after installing ${packages[*]}"
