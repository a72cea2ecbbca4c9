//! Both sides have the same ops: neither list has a default, so a new op is
//! either missing where it is listed or in one of the lists alone.

use crate::coq::Theories;
use crate::draw::OPS;
use cotangent_rocq::PREAMBLE;
use std::fmt::Write;

/// What the constructors of Rocq's `op` stand for.
pub const TEXT: &str = include_str!("names.v");

/// What one of the lists has and the other lacks.
fn differences(rust: &[&str], rocq: &[&str]) -> Vec<String> {
    let lacks = |there: &[&str], name: &str| !there.contains(&name);
    let only_rust = rust.iter().filter(|name| lacks(rocq, name));
    let only_rocq = rocq.iter().filter(|name| lacks(rust, name));
    only_rust
        .map(|name| format!("`{name}`: in Rust, for no constructor of Rocq's `op`"))
        .chain(only_rocq.map(|name| format!("`{name}`: in Rocq, of no op in Rust")))
        .collect()
}

#[test]
fn both_sides_have_the_same_ops() {
    let rust: Vec<&str> = OPS.iter().map(|(name, _)| *name).collect();
    let mut text = format!("{PREAMBLE}{TEXT}");
    writeln!(text, "Eval vm_compute in names.").unwrap();
    let answer = Theories::find(&["Literals"]).compile("names", &text);
    assert!(answer.accepted, "{}", answer.stderr);
    let mut rocq: Vec<&str> = answer.stdout.split('"').skip(1).step_by(2).collect();
    // What compares also selects, in either direction.
    rocq.sort_unstable();
    rocq.dedup();
    assert_eq!(differences(&rust, &rocq), [""; 0]);

    // It can fail: one op less, or one more, on either side.
    for (k, name) in rust.iter().enumerate() {
        let fewer = [&rust[..k], &rust[k + 1..]].concat();
        assert_eq!(differences(&fewer, &rocq), [format!("`{name}`: in Rocq, of no op in Rust")]);
    }
    let more = [&rocq[..], &["sine"]].concat();
    assert_eq!(differences(&rust, &more), ["`sine`: in Rocq, of no op in Rust"]);
    let fewer: Vec<&str> = rocq.iter().copied().filter(|name| *name != "convolution").collect();
    let said = "`convolution`: in Rust, for no constructor of Rocq's `op`";
    assert_eq!(differences(&rust, &fewer), [said]);
}

/// Coq notices a constructor that the text leaves out.
#[test]
fn constructors_without_a_name_are_noticed() {
    let theories = Theories::find(&["Literals"]);
    let left_out = [
        (" | Abs => \"abs\"", "no clause found for pattern Abs"),
        (" | Max => \"maximum\"", "no clause found for pattern Max"),
        (" | CGe => \"compare_ge\"", "no clause found for pattern CGe"),
        ("| Variance _ _ _ => [:: \"variance\"]\n", "no clause found for pattern Variance _ _ _"),
        (" Abs;", "No applicable tactic"),
        (" Variance [::] [::] 0;", "No applicable tactic"),
    ];
    for (k, (line, said)) in left_out.into_iter().enumerate() {
        let text = TEXT.replacen(line, "", 1);
        assert_ne!(text, TEXT, "{line}");
        let answer = theories.compile(&format!("without_{k}"), &format!("{PREAMBLE}{text}"));
        let stderr = answer.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!answer.accepted && stderr.contains(said), "{line}: {stderr}");
    }
}
