//! Booleans that Coq computes.

use crate::coq::Theories;

impl Theories {
    /// The booleans that the file's one `Eval` prints, `count` of them.
    pub fn verdicts(&self, name: &str, text: &str, count: usize) -> Vec<bool> {
        let answer = self.compile(name, text);
        assert!(answer.accepted, "{name}.v: {}", answer.stderr);
        let words = answer.stdout.split(|c: char| !c.is_alphanumeric());
        let verdicts: Vec<bool> = words.filter_map(|word| word.parse().ok()).collect();
        assert_eq!(verdicts.len(), count, "{name}.v prints {}", answer.stdout);
        verdicts
    }
}
