//! Damaged files: an answer, never a panic, and quickly.

mod cases;

use cases::program;
use cotangent_graph::Precision;
use cotangent_stablehlo::Program;
use std::time::{Duration, Instant};

fn texts() -> Vec<String> {
    let wanted = [
        "constant_tenth",
        "select",
        "erf",
        "slice_strided",
        "pad_interior",
        "concatenate_four",
        "elu_tenth",
        "normalize_1",
        "dot_general_batched",
        "convolution_3",
        "conv_input_grad_3",
        "conv_kernel_grad_9",
        "window_sum_grad_1",
        "max_pool_1",
        "max_pool_grad_3",
        "softmax_cross_entropy",
    ];
    let cases = cases::all();
    let of = |name: &str| cases.iter().find(|(n, _)| n == name).unwrap().1.clone();
    wanted.iter().map(|name| program(of(name), Precision::F32).to_text().unwrap()).collect()
}

/// Parses, and prints again what was accepted.
fn survives(text: &str) -> bool {
    match Program::from_text(text) {
        Ok(p) => {
            let printed = p.to_text().unwrap_or_else(|e| panic!("accepted, but {e}:\n{text}"));
            assert_eq!(Program::from_text(&printed).as_ref(), Ok(&p), "{text}");
            true
        }
        Err(e) => {
            assert!(e.at().line >= 1 && e.at().column >= 1, "{e}");
            false
        }
    }
}

#[test]
fn truncations_are_refused() {
    for text in texts() {
        let whole = text.trim_end().len();
        for end in 0..whole {
            assert!(!survives(&text[..end]), "accepted up to byte {end}:\n{text}");
        }
        assert!(survives(&text));
    }
}

/// Xorshift; any sequence will do as long as it is always the same.
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state as usize
}

#[test]
fn flipped_bytes_are_survived() {
    let mut state = 0x9E37_79B9_7F4A_7C15;
    let alphabet = b"0123456789-.,:;<>[](){}=%@^\"\\ \nxfeibo/\x00\xC3";
    for text in texts() {
        for _ in 0..2_000 {
            let mut bytes = text.clone().into_bytes();
            for _ in 0..=next(&mut state) % 3 {
                let at = next(&mut state) % bytes.len();
                bytes[at] = alphabet[next(&mut state) % alphabet.len()];
            }
            survives(&String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn numbers_of_any_size_are_survived() {
    let sizes = ["0", "4294967296", "9223372036854775807", "99999999999999999999"];
    for text in texts() {
        let mut at = 0;
        while let Some(offset) = text[at..].find(|c: char| c.is_ascii_digit()) {
            let start = at + offset;
            let rest = &text[start..];
            at = start + rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            for size in sizes {
                survives(&format!("{}{size}{}", &text[..start], &text[at..]));
                // Everywhere at once, so that types agree.
                survives(&text.replace(&text[start..at], size));
            }
        }
    }
}

#[test]
fn long_runs_of_anything_take_linear_time() {
    let start = Instant::now();
    for piece in
        ["(", "{", "[", "<", "\"", "\\", "1", "1x", "%a ", "a=", "// ", "\n", "é", "tensor<1x", "-"]
    {
        let run = piece.repeat(200_000);
        let text = &texts()[3];
        survives(&run);
        for at in ["module @op", "tensor<", "stride = [", "dense<", "\"", "return ", "%0 = "] {
            survives(&text.replacen(at, &format!("{at}{run}"), 1));
        }
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
