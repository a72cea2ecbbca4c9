"""Nothing is assumed that must be proved.

Refuses, in the sources: holes (Admitted, admit), assumptions outside sections,
commands that a theory has no need of, with them every switch that weakens the
kernel, primitive numbers; headers without a glossary; in the compiled theories:
headline theorems that rest on more than the three axioms of classical
MathComp-Analysis, and whatever the independent checker reports; theories
listed before one that they import, since a certificate compiles them in the
order of _CoqProject; names, in the texts about them, that no theory has; and
definitions among proofs in the files that TRUST.md says to read. Then tries
each refusal on something made to be refused.
"""

import fnmatch
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
THEORIES = HERE / "theories"
LOAD = ["-Q", str(THEORIES), "Cotangent"]
ALLOWED = {
    "propositional_extensionality",
    "functional_extensionality_dep",
    "constructive_indefinite_description",
}
FLAGS = {"-Q theories Cotangent", "-arg -w -arg -notation-overridden,-ambiguous-paths"}

# What a sentence may begin with: any other command is refused, whatever its flags.
# A module may not be made from another, which could be one with assumptions.
COMMANDS = re.compile(
    r"(?:Local\s+)?(?:(?:From|Import|Section|End|Variables?|Hypothes[ie]s|Context|Let|Implicit\s+Types?|"
    r"Definition|Fixpoint|Inductive|Record|Canonical|Coercion|Arguments|Notation|Ltac|"
    r"Lemma|Theorem|Corollary|Example|Proof|Unshelve|Qed|Defined|"
    r"(?:Declare|Delimit|Open|Close)\s+Scope|(?:Number|String)\s+Notation|Add\s+Ring)\b|"
    r"(?:Module\s+[\w']+|Set\s+Implicit\s+Arguments|Unset\s+Strict\s+Implicit|"
    r"Unset\s+Printing\s+Implicit\s+Defensive)\s*\Z)"
)
# What may stand before a sentence.
BULLETS = re.compile(r"\s*(?:[-+*{}]\s*|(?:\d+|\[\s*[\w']+\s*\])\s*:\s*\{\s*)*")
# Refused anywhere.
WORDS = re.compile(
    r"\b(Admitted|admit|Admit\s+Obligations|give_up|Axioms?|Parameters?|Conjectures?|"
    r"Declare\s+(?:Module|Instance|ML)|Primitive|native_compute|native_cast_no_check|"
    r"bypass_check|(?:Guard|Positivity|Universe)\s+Checking|Definitional\s+UIP|"
    r"Type\s+In\s+Type|type-in-type|impredicative-set|Register|Redirect|Load|Drop|"
    r"PrimFloat|PrimInt63|Int63|Uint63|Sint63|PArray|PrimArray|FloatOps|SpecFloat|Bignums|Interval)\b"
)
# What a theory gives a name to; constructors and fields not.
NAMED = re.compile(
    r"\b(?:Definition|Fixpoint|Inductive|Record|Lemma|Theorem|Corollary|Example|Ltac)\s+([\w']+)"
)
# Of the texts about the theories.
TEXTS = (HERE / "README.md", HERE.parent / "TRUST.md")
# Refused outside sections, where they are axioms.
LOCAL = re.compile(r"(?:Local\s+)?(?:Hypothes[ie]s|Variables?|Context)\b")


class Refused(Exception):
    pass


def bare(text):
    """The text without comments and strings, with all its lines."""
    out, depth, at = [], 0, 0
    while at < len(text):
        if text.startswith("(*", at):
            depth, at = depth + 1, at + 2
        elif depth and text.startswith("*)", at):
            depth, at = depth - 1, at + 2
            out.append(" ")
        elif text[at] == '"':
            end = at + 1
            while end < len(text) and (text[end] != '"' or text[end : end + 2] == '""'):
                end += 2 if text[end] == '"' else 1
            out.append(" " + "\n" * text.count("\n", at, end))
            at = end + 1
        else:
            out.append("" if depth and text[at] != "\n" else text[at])
            at += 1
    return "".join(out)


def sentences(text):
    """Where each begins, behind its bullets and braces, and the sentence."""
    at = 0
    for end in re.finditer(r"\.(?=\s|\Z)", text):
        start = BULLETS.match(text, at).end()
        yield start, text[start : end.start()]
        at = end.end()


def scan(name, text):
    text, sections = bare(text), []

    def refuse(at, what):
        raise Refused(f"{name}:{text.count(chr(10), 0, at) + 1}: {' '.join(what.split())}")

    for found in WORDS.finditer(text):
        refuse(found.start(), found.group(0))
    for at, sentence in sentences(text):
        if re.match(r"[A-Z#]", sentence) and not COMMANDS.match(sentence):
            refuse(at, f"{sentence[:60]}: not among the commands of a theory (COMMANDS, validate.py)")
        step = re.match(r"Section|Module|End\b", sentence)
        if LOCAL.match(sentence) and "Section" not in sections:
            refuse(at, f"{LOCAL.match(sentence).group(0)} outside a section")
        elif step and step.group(0) != "End":
            sections.append(step.group(0))
        elif step and sections:
            sections.pop()


def glossary(name, text):
    """The first comment says what the names are."""
    if not re.match(r"\(\*(?:(?!\*\)).)*\n    Glossary\n +- \[", text, re.S):
        raise Refused(
            f"{name}:1: no glossary in the header comment; end it with a line '    Glossary' and lines"
            " '      - [name]  what it is', for names in statements and the main theorems"
        )


def listed():
    """The theories of _CoqProject; every file must be there, and no other flag."""
    lines = [line.strip() for line in (HERE / "_CoqProject").read_text().splitlines() if line.strip()]
    files = [line for line in lines if line.endswith(".v")]
    other = set(lines) - set(files) - FLAGS
    if other:
        raise Refused(f"_CoqProject: {sorted(other)}")
    stray = {f"theories/{path.name}" for path in THEORIES.glob("*.v")} - set(files)
    if stray:
        raise Refused(f"not in _CoqProject: {sorted(stray)}")
    return [HERE / file for file in files]


def in_order(theories):
    """Of pairs of a name and a text, each imports only what stands before it."""
    before = set()
    for name, text in theories:
        for imported in re.findall(r"\bFrom\s+Cotangent\s+Require\b([^.]*)\.", bare(text)):
            late = set(imported.split()) - {"Import", "Export"} - before
            if late:
                raise Refused(f"_CoqProject: {name}.v stands before what it imports, {sorted(late)}")
        before.add(name)


def coqc(source, folder, load=()):
    path = Path(folder) / "Ask.v"
    path.write_text(source)
    command = ["coqc", "-q", *load, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=folder)
    if done.returncode != 0:
        raise Refused(done.stderr.strip() or f"coqc ended with {done.returncode}")
    return done.stdout


def assumptions(answer):
    """Refuses all but the allowed axioms in an answer of Print Assumptions."""
    for line in answer.splitlines():
        if not line.strip() or line[0].isspace() or line.startswith("Closed under the global"):
            continue
        if line.strip() in ("Axioms:", "Section Variables:"):
            if line.startswith("Section"):
                raise Refused(line)
            continue
        name = line.split()[0].removeprefix("mathcomp.classical.")
        if name.removeprefix("boolp.") not in ALLOWED or not name.startswith("boolp."):
            raise Refused(f"assumes {line}")


def headlines():
    lines = (HERE / "headlines").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def cited(readme):
    """The theorems that the table beside the literature names, the second column.

    A name without a file is of the file before it; `_weight` after `dense_input` is
    `dense_weight`.
    """
    found, file, last = [], "", ""
    for row in readme.split("## Beside the literature")[1].split("\n## ")[0].splitlines():
        cells = row.split(" | ")
        for name in re.findall(r"`([\w.']+)`", cells[1]) if row.startswith("| `") and len(cells) > 2 else []:
            if "." in name:
                file, name = name.split(".")
            elif name.startswith("_"):
                name = last.rsplit("_", 1)[0] + name
            last = name
            found.append(f"{file}.{name}")
    return found


def table(readme, names):
    """Theorems named beside the literature's are headlines; CHALLENGE has statements only."""
    wrong = [name for name in cited(readme) if name not in names and not name.startswith("CHALLENGE.")]
    if wrong:
        raise Refused(f"README.md names theorems that are not headlines: {wrong}")


def named(text, theories):
    """Files, `File.name` and `long_names` in a text are those of theories, by name and text.

    Not what stands in the first column beside the literature, nor the library's numbers.
    """
    names = {name: set(NAMED.findall(bare(source))) for name, source in theories}
    long = set().union(*names.values()) | ALLOWED
    modules = {module for _, source in theories for module in re.findall(r"^Module (\w+)\.", source, re.M)}
    wrong, beside = [], False
    for line in text.splitlines():
        beside = line == "## Beside the literature" if line.startswith("## ") else beside
        for span in re.findall(r"`([^`]+)`", line.split(" | ", 1)[-1] if beside else line):
            file, _, name = span.rpartition(".")
            if name == "v" and re.fullmatch(r"[A-Z][\w*]*", file):
                known = bool(fnmatch.filter(names, file))
            elif re.fullmatch(r"[A-Z]\w+\.[\w']+", span):
                known = name in (long if file in modules else names.get(file, ()))
            else:
                known = not re.fullmatch(r"[a-z]\w*_[\w']+", span) or span in long
            if not known:
                wrong.append(span)
    if wrong:
        raise Refused(f"no theory has what a text names: {wrong}")


def mapped(readme, theories):
    """The table of files has each theory once."""
    rows = readme.split("| file | content |\n")[1].split("\n\n")[0]
    first = [span for row in rows.splitlines() for span in re.findall(r"`([\w*]+)\.v`", row.split(" | ")[0])]
    found = [name for pattern in first for name in fnmatch.filter(theories, pattern)]
    wrong = sorted(name for name in theories if found.count(name) != 1)
    if wrong:
        raise Refused(f"README.md has not once in its table of files: {wrong}")


def read(trust, theories):
    """Of the files that TRUST.md says to read, definitions come before any proof."""
    (row,) = [line for line in trust.splitlines() if line.startswith("| The definitions in the theorem")]
    patterns = re.findall(r"`([\w*]+)\.v`", row.split(" | ")[0])
    wrong = []
    for name, source in theories:
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            after = re.split(r"\b(?:Lemma|Theorem|Corollary)\b", bare(source), maxsplit=1)[1:]
            wrong += [f"{name}.v" for text in after if re.search(r"\b(?:Definition|Fixpoint|Inductive|Record)\b", text)]
    if wrong:
        raise Refused(f"definitions to be read stand among proofs: {wrong}")


def apart(challenge):
    """What is to be audited without our definitions imports none of them."""
    if "Cotangent" in bare(challenge):
        raise Refused("CHALLENGE.v imports something of ours")


def ask(names):
    """What all of them together rest on: asked one by one, each walks all proofs anew."""
    modules = sorted({name.split(".")[0] for name in names})
    source = f"From Cotangent Require {' '.join(modules)}.\n"
    source += "Definition all := (" + ", ".join(f"@{name}" for name in names) + ").\n"
    source += "Print Assumptions all.\n"
    with tempfile.TemporaryDirectory() as folder:
        return coqc(source, folder, LOAD)


def check(files):
    """The independent checker: our theories, or with FULL=1 all they rest on."""
    modules = [f"Cotangent.{path.stem}" for path in files]
    full = os.environ.get("FULL", "0") != "0"
    what = modules if full else [part for module in modules for part in ("-norec", module)]
    command = ["coqchk", "-silent", "-o", *LOAD, *what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600 if full else 1800)
    if done.returncode != 0:
        raise Refused(f"coqchk: {done.stderr.strip()[-2000:]}")
    report = done.stdout + done.stderr
    ours = re.findall(r"^\s+Cotangent\.\S+$", report, re.M)
    if ours:
        raise Refused(f"coqchk: axioms of our own {ours}")
    for line in report.splitlines():
        if line.startswith("* Constants") or line.startswith("* Inductives"):
            if not line.rstrip().endswith("<none>"):
                raise Refused(f"coqchk: {line}")


PLANTED = {
    "an axiom": "Axiom planted : 1 = 2.\nTheorem head : 1 = 2. Proof. exact planted. Qed.\n",
    "a hole": "Theorem head : 1 = 2. Proof. Admitted.\n",
    "a part left open": "Theorem head : 1 = 2. Proof. admit. Admitted.\n",
    "a parameter": "Parameter planted : 1 = 2.\nDefinition head := planted.\n",
    "a hypothesis": "Hypothesis planted : 1 = 2.\nDefinition head := planted.\n",
    "a declared module": "Module Type T. Parameter p : 1 = 2. End T.\nDeclare Module M : T.\n"
    "Definition head := M.p.\n",
    "primitive floats": "From Coq Require Import PrimFloat.\n"
    "Theorem head : PrimFloat.add one one = two. Proof. vm_compute. reflexivity. Qed.\n",
    "primitive integers": "From Coq Require Import Uint63.\n"
    "Theorem head : Uint63.add 1 1 = 2%uint63. Proof. vm_compute. reflexivity. Qed.\n",
    "no guard": "Unset Guard Checking.\nFixpoint head (n : nat) : 1 = 2 := head n.\n",
    "no guard, over two lines": "Unset Guard\nChecking.\nFixpoint head (n : nat) : 1 = 2 := head n.\n",
    "no guard for one": "#[bypass_check(guard)] Fixpoint head (n : nat) : 1 = 2 := head n.\n",
    "no positivity": "Unset Positivity\n  (* *) Checking.\nInductive head := Head (f : head -> nat).\n",
    "proofs all alike": "Set Definitional\nUIP.\n"
    "Inductive head (n : nat) : nat -> SProp := Head : head n n.\n",
    "obligations left open": "From Coq Require Import Program.\nProgram Definition head : 1 = 2 := _.\nAdmit Obligations.\n",
    "a declared instance": "Class C := c : 1 = 2.\nDeclare Instance planted : C.\nDefinition head : 1 = 2 := c.\n",
    "an included module type": "From Coq Require Import Equalities.\nModule M. Include Typ. End M.\n"
    "Definition head := M.t.\n",
    "a module made from a type": "From Coq Require Import Equalities.\nModule N. End N.\nModule M := N <+ Typ.\n"
    "Definition head := M.t.\n",
    "a hypothesis behind a name": "Definition f (Section a : nat) := a.\nHypothesis planted : 1 = 2.\n"
    "Definition head := planted.\n",
    "no universes": "Unset Universe Checking.\nDefinition head : Type@{Set} := Type.\n",
}


def must_fail():
    """Both the scan and, on its own, the look at assumptions refuse each."""
    for what, source in PLANTED.items():
        with tempfile.TemporaryDirectory() as folder:
            answer = coqc(source + "Print Assumptions head.\n", folder)
            for name, refusal in {
                "scan": lambda: scan("Planted.v", source),
                "assumptions": lambda: assumptions(answer),
            }.items():
                try:
                    refusal()
                except Refused:
                    continue
                raise Refused(f"{what}: the {name} did not notice")
    for what, line in {"Unset Guard\nChecking.": 4, "Time Qed.": 4, "Qed. }\n\nHypothesis a : 1 = 2.": 6}.items():
        try:
            scan("Planted.v", '(* "\n" *)\nNotation "\n" := 1. ' + what)
        except Refused as why:
            if f"Planted.v:{line}:" in str(why):
                continue
        raise Refused(f"{what}: not noticed on line {line}")
    row = "## Beside the literature\n| `there` | `Vjp.vjp_none` | |\n"
    others = {
        "a switch": lambda: scan("Planted.v", "Unset  Printing\nAll.\n"),
        "a switch behind braces": lambda: scan(
            "Planted.v", "Lemma a : True. Proof. 1: { {Set Printing\nAll. exact I. } } Qed.\n"
        ),
        "a plugin": lambda: scan("Planted.v", 'Declare ML Module "planted".\n'),
        "a path": lambda: scan("Planted.v", 'Add LoadPath "planted" as Cotangent.\n'),
        "another machine": lambda: scan("Planted.v", "Lemma a : 1 = 1. Proof. native_compute. reflexivity. Qed.\n"),
        "a header without a glossary": lambda: glossary(
            "Planted.v", "(** * Planted *)\n(** Not the header.\n\n    Glossary\n      - [a]  one *)\n"
        ),
        "a name that is no headline": lambda: table(row, ["Vjp.vjp_add"]),
        "a name of no theorem": lambda: named("`Vjp.vjp_none`", [("Vjp", "Theorem vjp_add : True.")]),
        "a long name of nothing": lambda: named("`vjp_none`", [("Vjp", "Theorem vjp_add : True.")]),
        "a file that is not there": lambda: named("`None.v`", [("Vjp", "")]),
        "a theory left out": lambda: mapped("| file | content |\n| --- | --- |\n| `Vjp.v` | |\n", ["Vjp", "Erf"]),
        "a theory listed twice": lambda: mapped(
            "| file | content |\n| --- | --- |\n| `Vjp.v`, `V*.v` | |\n", ["Vjp"]
        ),
        "a definition among proofs": lambda: read(
            "| The definitions in the theorem: `A*.v` | |",
            [("Ab", "Lemma a : True. Proof. exact I. Qed. Definition b := 1.")],
        ),
        "an import in CHALLENGE.v": lambda: apart("From Cotangent Require Import Vjp.\n"),
        "an import of what comes later": lambda: in_order([("A", "From Cotangent Require Import B.\n"), ("B", "")]),
    }
    for what, refusal in others.items():
        try:
            refusal()
        except Refused:
            continue
        raise Refused(f"{what}: not noticed")
    innocent = "Section S. Variable n : nat. Theorem head : n = n. Proof. reflexivity. Qed. End S.\n"
    with tempfile.TemporaryDirectory() as folder:
        scan("Innocent.v", "(* Axiom (* nested *) Admitted *)\n" + innocent)
        assumptions(coqc(innocent + "Print Assumptions head.\n", folder))
    named("`Vjp.vjp_add`, `vjp_add`, `V*.v`", [("Vjp", "Theorem vjp_add : True.")])
    return len(PLANTED) + len(others)


def main():
    try:
        files = listed()
        for path in files:
            scan(path.name, path.read_text())
            glossary(path.name, path.read_text())
        theories = [(path.stem, path.read_text()) for path in files]
        in_order(theories)
        print(f"{len(files)} theories: no holes, no axioms, no switches")
        names = headlines()
        readme, challenge = (HERE / "README.md").read_text(), (THEORIES / "CHALLENGE.v").read_text()
        table(readme, names)
        mapped(readme, [name for name, _ in theories])
        for text in TEXTS:
            named(text.read_text(), theories)
        read(TEXTS[1].read_text(), theories)
        apart(challenge)
        assumptions(ask(names))
        print(f"{len(names)} headline theorems: at most {', '.join(sorted(ALLOWED))}")
        print(f"{must_fail()} planted faults refused")
        check(files)
        print("coqchk agrees")
    except Refused as why:
        sys.exit(f"refused: {why}")


if __name__ == "__main__":
    main()
