//! A refused file beside the file that `emit` writes of the same step.

use cotangent::prove::Subject;

/// The first instruction of `@main` that is not as `emit` writes it, or the first line
/// elsewhere, where a line begins to differ. Coq says what is wrong, whatever the order
/// and the names; this is where a file that was emitted was changed.
pub fn first_difference(subject: &Subject) -> Option<String> {
    // Without an optimiser none is read.
    let options = subject.options.clone().or_else(|| "sgd".parse().ok())?;
    let (net, what, batch) = (&subject.network, subject.what, subject.batch);
    let program = cotangent::emit::program(net, what, batch, &options, subject.precision).ok()?;
    let (found, expected) = (subject.text.as_str(), program.to_text().ok()?);
    let (kind, (number, found, expected)) = apart(main_of(found), main_of(&expected))
        .map(|difference| ("instruction", difference))
        .or_else(|| Some(("line", apart(numbered(found), numbered(&expected))?)))?;
    let [found, expected] = shortened(found, expected);
    Some(format!(
        "the first {kind} that is not as `cotangent emit` writes it, in line {number}:\n\
         found    {found}\nexpected {expected}"
    ))
}

/// Where two texts begin to differ: the number of the line, and both lines.
fn apart<'a>(
    found: impl Iterator<Item = (usize, &'a str)>,
    expected: impl Iterator<Item = (usize, &'a str)>,
) -> Option<(usize, &'a str, &'a str)> {
    found
        .zip(expected)
        .map(|((number, found), (_, expected))| (number, found.trim(), expected.trim()))
        .find(|(_, found, expected)| found != expected)
}

/// The lines with their numbers, from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(k, line)| (k + 1, line))
}

/// Those of `@main`: an instruction each.
fn main_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    numbered(text)
        .skip_while(|(_, line)| !line.contains("func.func public @main"))
        .skip(1)
        .take_while(|(_, line)| line.trim() != "}")
}

/// Letters of a line that are shown, and how many of them come before a difference.
const SHOWN: usize = 240;
const BEFORE: usize = 80;

/// Two lines, or what is around the place where they begin to differ: that of `@main` has
/// every argument.
fn shortened(found: &str, expected: &str) -> [String; 2] {
    let same = found.chars().zip(expected.chars()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(BEFORE);
    [found, expected].map(|line| {
        let length = line.chars().count();
        if length <= SHOWN {
            return line.to_string();
        }
        let part: String = line.chars().skip(from).take(SHOWN).collect();
        let [before, after] =
            [from > 0, length > from + SHOWN].map(|cut| if cut { "…" } else { "" });
        format!("{before}{part}{after}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_shown_around_their_difference() {
        let line = |name: &str| format!("{}{name}{}", "a".repeat(500), "b".repeat(500));
        let [found, expected] = shortened(&line("x"), &line("yz"));
        let part = |name: &str, after| format!("…{}{name}{}…", "a".repeat(80), "b".repeat(after));
        assert_eq!([found, expected], [part("x", 159), part("yz", 158)]);
        assert_eq!(shortened("short", &line("x"))[0], "short");
        let [found, expected] = shortened(&"é".repeat(300), &"é".repeat(250));
        assert_eq!([found.chars().count(), expected.chars().count()], [131, 81]);
    }
}
