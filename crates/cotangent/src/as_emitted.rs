//! A refused file beside the file that `emit` writes of the same step.

use cotangent::prove::Subject;

/// The first line of `@main` that is not as `emit` writes it, and that line, where a
/// line begins to differ. Coq says what is wrong, whatever the order and the names; this
/// is where a file that was emitted was changed.
pub fn first_difference(subject: &Subject) -> Option<String> {
    // Without an optimiser none is read.
    let options = subject.options.clone().or_else(|| "sgd".parse().ok())?;
    let (net, what, batch) = (&subject.network, subject.what, subject.batch);
    let program = cotangent::emit::program(net, what, batch, &options, subject.precision).ok()?;
    let emitted = program.to_text().ok()?;
    let mut lines = body(&subject.text).zip(body(&emitted));
    let ((number, found), (_, expected)) =
        lines.find(|((_, found), (_, expected))| found.trim() != expected.trim())?;
    Some(format!(
        "the first instruction that is not as `cotangent emit` writes it, in line {number}:\n\
         found    {}\nexpected {}",
        found.trim(),
        expected.trim()
    ))
}

/// The instructions of `@main`, a line each, with their numbers from 1.
fn body(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(k, line)| (k + 1, line));
    lines
        .skip_while(|(_, line)| !line.contains("func.func public @main"))
        .skip(1)
        .take_while(|(_, line)| line.trim() != "}")
}
