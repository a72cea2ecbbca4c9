#!/usr/bin/env bash
# Usage: scripts/certify-zoo.sh [MODEL..]
#
# Certifies the train step of the models, by default of the whole zoo, at published
# input size, and prints the rows of results/certificates.md. COTANGENT is the program
# (target/release/cotangent), FLAGS are those of `prove`; what it made stays in OUT
# (target/certificates), and a model that has a row there is not certified again.
# Needs Coq (scripts/setup-coq.sh), the compiled proofs (make -C proofs) and GNU time.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cotangent=${COTANGENT:-target/release/cotangent}
flags=${FLAGS:---batch 32 --optimizer adamw --clip 1 --ema 0.9999}
out=${OUT:-target/certificates}
export COTANGENT_PROOFS=${COTANGENT_PROOFS:-$PWD/proofs/theories}
mkdir -p "$out"
[[ $# -gt 0 ]] || set -- $("$cotangent" models | cut -d' ' -f1)

refused=()
echo '| model | instructions | kinks | text, kB | time, s | CPU, s | memory, MB |'
echo '| --- | --- | --- | --- | --- | --- | --- |'
for model; do
    row=$out/$model.row
    if [[ ! -e $row ]]; then
        rm -rf "${out:?}/$model"
        # Of the program and, more than it, of Coq, which it waits for.
        if /usr/bin/time -o "$out/$model.time" -f '%e %U %S %M' \
            "$cotangent" prove "$model" $flags --quiet --json --out "$out/$model" \
            >"$out/$model.json" 2>"$out/$model.err"; then
            read -r wall user system kilobytes <"$out/$model.time"
            instructions=$(grep -o '"instructions":[0-9]*' "$out/$model.json" | cut -d: -f2)
            kinks=$(grep -o '"condition":' "$out/$model.json" | wc -l)
            bytes=$(wc -c <"$out/$model/step.mlir")
            awk -v m="$model" -v i="$instructions" -v k="$kinks" -v b="$bytes" -v w="$wall" \
                -v c="$user $system" -v r="$kilobytes" 'BEGIN {
                    split(c, cpu, " ")
                    printf "| `%s` | %d | %d | %.0f | %.1f | %.1f | %.0f |\n",
                        m, i, k, b / 1000, w, cpu[1] + cpu[2], r / 1000
                }' >"$row"
        else
            refused+=("$model")
            cat "$out/$model.err" >&2
            continue
        fi
    fi
    cat "$row"
done
[[ ${#refused[@]} -eq 0 ]] || {
    echo "certify-zoo: not certified: ${refused[*]}" >&2
    exit 1
}
