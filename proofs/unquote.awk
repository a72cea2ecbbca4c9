# Coq's output to text: every string literal of the input is one line. Coq
# doubles the quotation marks inside a literal, and never breaks one.
#
#   in Coq:     Set Printing Depth 1000000. Open Scope string_scope.
#               Redirect "step" Eval vm_compute in print the_step.
#   in a shell: awk -f unquote.awk step.out | cmp - step.mlir
{
    rest = $0
    while ((at = index(rest, "\"")) > 0) {
        rest = substr(rest, at + 1)
        line = ""
        for (;;) {
            at = index(rest, "\"")
            if (at == 0) {
                print "unquote.awk: line " NR ": a string without end" > "/dev/stderr"
                exit 1
            }
            line = line substr(rest, 1, at - 1)
            if (substr(rest, at + 1, 1) != "\"") break
            line = line "\""
            rest = substr(rest, at + 2)
        }
        rest = substr(rest, at + 1)
        print line
    }
}
