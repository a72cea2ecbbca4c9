#!/usr/bin/env bash
# Usage: scripts/certify-depth.sh [BLOCKS..]
#
# What a certificate costs by the depth of the network: residual blocks of two
# normalised 3x3 convolutions, as in crates/emit/benches/depth.rs. Prints the rows of
# results/certificates.md and draws results/certificates.svg. COTANGENT is the program
# (target/release/cotangent); a depth that has a row in OUT (target/certificates-depth)
# is not certified again; RECHECK=1 has coqchk check each certificate too, without the
# theories, which take it the same time at every depth.
# Needs Coq (scripts/setup-coq.sh), the compiled proofs (make -C proofs) and GNU time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cotangent=${COTANGENT:-target/release/cotangent}
out=${OUT:-target/certificates-depth}
COTANGENT_PROOFS=$(realpath "${COTANGENT_PROOFS:-proofs/theories}")
export COTANGENT_PROOFS
mkdir -p "$out"
[[ $# -gt 0 ]] || set -- 3 10 30 100 300 1000

# As `prove --recheck` runs it (crates/prove/src/toolchain.rs), on the certificate alone.
recheck() {
    (
        cd "$1"
        ulimit -S -s 1048576 2>/dev/null || ulimit -S -s "$(ulimit -H -s)" 2>/dev/null || true
        export OCAMLRUNPARAM=${OCAMLRUNPARAM-s=4M,o=40}
        export GLIBC_TUNABLES=${GLIBC_TUNABLES-glibc.malloc.hugetlb=1}
        coqchk -silent -Q "$COTANGENT_PROOFS" Cotangent -Q . "" -norec Report >/dev/null
    )
}

for blocks; do
    [[ ! -e $out/$blocks.row ]] || continue
    spec=$out/$blocks.toml
    {
        printf 'name = "blocks"\ninput = [8, 8, 16]\nlayers = [\n'
        for ((k = 0; k < blocks; k++)); do
            printf '  { kind = "basic_block", features = 16 },\n'
        done
        printf '  { kind = "global_avg_pool" }, { kind = "dense", features = 10 } ]\n'
    } >"$spec"
    rm -rf "${out:?}/$blocks"
    /usr/bin/time -o "$out/$blocks.time" -f '%U %S %M' \
        "$cotangent" prove "$spec" --batch 32 --quiet --json --out "$out/$blocks" \
        >"$out/$blocks.json"
    read -r user system kilobytes <"$out/$blocks.time"
    instructions=$(grep -o '"instructions":[0-9]*' "$out/$blocks.json" | cut -d: -f2)
    echo "$blocks $instructions $user $system $kilobytes" >"$out/$blocks.row"
done
if [[ ${RECHECK:-0} != 0 ]]; then
    export -f recheck
    for blocks; do
        [[ ! -e $out/$blocks.recheck ]] || continue
        /usr/bin/time -o "$out/$blocks.time" -f '%U %S %M' bash -c 'recheck "$1"' _ "$out/$blocks"
        mv "$out/$blocks.time" "$out/$blocks.recheck"
    done
fi

# Blocks, instructions, then seconds of the user, of the system, and peak kilobytes.
rows() {
    for blocks; do cat "$out/$blocks.row"; done
}
rechecked() {
    for blocks; do
        [[ ! -e $out/$blocks.recheck ]] ||
            echo "$(cut -d' ' -f1,2 "$out/$blocks.row") $(cat "$out/$blocks.recheck")"
    done
}
table() {
    printf '%s\n' "| blocks | instructions | $1, s | ms an instruction | memory, MB |" \
        '| --- | --- | --- | --- | --- |'
    awk '{ printf "| %d | %d | %.1f | %.2f | %.0f |\n", $1, $2, $3 + $4, 1000 * ($3 + $4) / $2, $5 / 1000 }'
}
rows "$@" | table CPU
[[ -z $(rechecked "$@") ]] || { echo && rechecked "$@" | table '`coqchk`'; }

# Both axes logarithmic, so that a line of slope 1 is linear growth.
{ rows "$@" && echo && rechecked "$@"; } | awk '
    function x(v) { return 80 + 480 * (log(v) - lx) / (hx - lx) }
    function y(v) { return 320 - 280 * (log(v) - ly) / (hy - ly) }
    function text(px, py, anchor, what) {
        printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", px, py, anchor, what
    }
    # Points, the line through them, and one of slope 1 through the last.
    function series(from, to, colour, what,    k, line, a, b, slope) {
        if (to < from) return
        a = 100; slope = s[to] / n[to]; if (slope * a < 1) a = 1 / slope
        b = 1000000; if (slope * b > 10000) b = 10000 / slope
        printf "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"#888\" stroke-dasharray=\"5 4\"/>\n",
            x(a), y(slope * a), x(b), y(slope * b)
        for (k = from; k <= to; k++) line = line (k == from ? "M" : "L") sprintf("%.1f %.1f", x(n[k]), y(s[k]))
        printf "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n", line, colour
        for (k = from; k <= to; k++)
            printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n", x(n[k]), y(s[k]), colour
        text(x(n[from]) - 8, y(s[from]) + 4, "end", what)
    }
    !NF { first = count; next }
    { n[++count] = $2; s[count] = $3 + $4 }
    END {
        lx = log(100); hx = log(1000000); ly = log(1); hy = log(10000)
        print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 600 370\" font-family=\"sans-serif\" font-size=\"13\">"
        print "<rect width=\"600\" height=\"370\" fill=\"white\"/>"
        for (v = 100; v <= 1000000; v *= 10) {
            printf "<path d=\"M%.1f 40V320\" stroke=\"#ddd\"/>\n", x(v); text(x(v), 338, "middle", v)
        }
        for (v = 1; v <= 10000; v *= 10) {
            printf "<path d=\"M80 %.1fH560\" stroke=\"#ddd\"/>\n", y(v); text(74, y(v) + 4, "end", v)
        }
        text(320, 360, "middle", "instructions of the train step")
        text(80, 28, "start", "CPU seconds of a certificate; dashed: linear")
        series(1, first, "#1f5fbf", "prove")
        series(first + 1, count, "#bf5f1f", "coqchk")
        print "</svg>"
    }' >results/certificates.svg
