#!/usr/bin/env bash
# Usage: scripts/certify-depth.sh [BLOCKS..]
#
# What a certificate costs by the depth of the network: residual blocks of two
# normalised 3x3 convolutions, as in crates/emit/benches/depth.rs. Prints the rows of
# results/certificates.md and draws results/certificates.svg. COTANGENT is the program
# (target/release/cotangent); a depth that has a row in OUT (target/certificates-depth)
# is not certified again; RECHECK=1 has coqchk check too.
# Needs Coq (scripts/setup-coq.sh), the compiled proofs (make -C proofs) and GNU time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cotangent=${COTANGENT:-target/release/cotangent}
out=${OUT:-target/certificates-depth}
export COTANGENT_PROOFS=${COTANGENT_PROOFS:-$PWD/proofs/theories}
mkdir -p "$out"
[[ $# -gt 0 ]] || set -- 3 10 30 100 300 1000
recheck=()
[[ ${RECHECK:-0} == 0 ]] || recheck=(--recheck)

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
        "$cotangent" prove "$spec" --batch 32 --quiet --json "${recheck[@]}" --out "$out/$blocks" \
        >"$out/$blocks.json"
    read -r user system kilobytes <"$out/$blocks.time"
    instructions=$(grep -o '"instructions":[0-9]*' "$out/$blocks.json" | cut -d: -f2)
    echo "$blocks $instructions $user $system $kilobytes" >"$out/$blocks.row"
done

echo '| blocks | instructions | CPU, s | ms an instruction | memory, MB |'
echo '| --- | --- | --- | --- | --- |'
for blocks; do
    awk '{ printf "| %d | %d | %.1f | %.2f | %.0f |\n", $1, $2, $3 + $4, 1000 * ($3 + $4) / $2, $5 / 1000 }' \
        "$out/$blocks.row"
done

# Both axes logarithmic; a line of slope 1 through the last point is linear growth.
for blocks; do cat "$out/$blocks.row"; done | awk '
    function x(v) { return 80 + 480 * (log(v) - lx) / (hx - lx) }
    function y(v) { return 320 - 280 * (log(v) - ly) / (hy - ly) }
    function text(px, py, anchor, what) {
        printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", px, py, anchor, what
    }
    { n[NR] = $2; s[NR] = $3 + $4 }
    END {
        lx = log(100); hx = log(1000000); ly = log(1); hy = log(1000)
        print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 600 370\" font-family=\"sans-serif\" font-size=\"13\">"
        print "<rect width=\"600\" height=\"370\" fill=\"white\"/>"
        for (v = 100; v <= 1000000; v *= 10) {
            printf "<path d=\"M%.1f 40V320\" stroke=\"#ddd\"/>\n", x(v); text(x(v), 338, "middle", v)
        }
        for (v = 1; v <= 1000; v *= 10) {
            printf "<path d=\"M80 %.1fH560\" stroke=\"#ddd\"/>\n", y(v); text(74, y(v) + 4, "end", v)
        }
        text(320, 360, "middle", "instructions of the train step")
        text(80, 28, "start", "CPU seconds of a certificate; dashed: linear")
        from = 100; if (s[NR] * from / n[NR] < 1) from = n[NR] / s[NR]
        to = 1000000; if (s[NR] * to / n[NR] > 1000) to = 1000 * n[NR] / s[NR]
        printf "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"#888\" stroke-dasharray=\"5 4\"/>\n",
            x(from), y(s[NR] * from / n[NR]), x(to), y(s[NR] * to / n[NR])
        for (k = 1; k <= NR; k++) line = line (k == 1 ? "M" : "L") sprintf("%.1f %.1f", x(n[k]), y(s[k]))
        printf "<path d=\"%s\" fill=\"none\" stroke=\"#1f5fbf\" stroke-width=\"2\"/>\n", line
        for (k = 1; k <= NR; k++)
            printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"#1f5fbf\"/>\n", x(n[k]), y(s[k])
        print "</svg>"
    }' >results/certificates.svg
