# Coq's output to text: the string literals of the input, one after the other.
# Coq doubles the quotation marks inside a literal, and puts something between two.
#
#   in Coq:     Set Printing Depth 1000000. Open Scope piece_scope.
#               Redirect "step" Eval vm_compute in pieces the_step.
#   in a shell: awk -f unquote.awk step.out | cmp - step.mlir
BEGIN { RS = "\"" }
NR % 2 == 0 { printf "%s", $0; next }
NR > 1 && $0 == "" { printf "\"" }
END {
    if (NR % 2 == 0) {
        print "unquote.awk: a string without end" > "/dev/stderr"
        exit 1
    }
}
