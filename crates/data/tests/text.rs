//! Texts: small ones made here, and the real one where it is at hand.
#![allow(clippy::print_stderr)] // to say that it is not

use std::fs;
use std::path::Path;

use cotangent_data::{Encoding, TextError, TextTarget, load_text};

const EVERY: TextTarget = TextTarget::EveryNext;

#[test]
fn characters_are_numbered_in_order_and_the_last_tenth_is_held_out() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    // Files in order of name; others are not read.
    fs::write(d.join("2.txt"), "é".repeat(10)).unwrap();
    fs::write(d.join("1.txt"), "ba".repeat(45)).unwrap();
    fs::write(d.join("3.md"), "zzz").unwrap();
    let data = load_text(d, 4, EVERY, None).unwrap();
    assert_eq!(*data.encoding(), Encoding::Text { vocabulary: "abé".into() });
    assert_eq!((data.example_shape(), data.target_shape()), (&[4, 3][..], &[4, 3][..]));
    assert_eq!((data.train().characters().len(), data.test().characters()), (90, &[2; 10][..]));
    assert_eq!((data.train().len(), data.test().len()), (22, 2));
    assert_eq!(data.train().characters()[..3], [1, 0, 1]);
    // One file by itself, numbered as given.
    let data = load_text(&d.join("1.txt"), 4, TextTarget::Next, Some("xba")).unwrap();
    assert_eq!((&data.train().characters()[..3], data.target_shape()), (&[1, 2, 1][..], &[3][..]));
}

#[test]
fn texts_that_are_no_data_set() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    assert!(matches!(load_text(d, 4, EVERY, None), Err(TextError::NoText { .. })));
    assert!(matches!(load_text(&d.join("none"), 4, EVERY, None), Err(TextError::Io { .. })));
    let path = d.join("a.txt");
    for (content, window, part) in [
        (&b""[..], 1, "the training split: 0 characters"),
        (&[b'a'; 49], 4, "the test split: 4 characters are too few: a window of 4"),
        (b"abc\xff", 1, "byte 3 is not UTF-8"),
    ] {
        fs::write(&path, content).unwrap();
        let error = load_text(d, window, EVERY, None).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    fs::write(&path, "a".repeat(50)).unwrap();
    assert!(load_text(d, 4, EVERY, None).is_ok());
    let error = load_text(d, 4, EVERY, Some("bc")).unwrap_err();
    assert!(
        matches!(error, TextError::UnknownCharacter { character: 'a', size: 2, .. }),
        "{error}"
    );
}

#[test]
fn reads_shakespeare() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/shakespeare");
    if !dir.is_dir() {
        eprintln!("not run: there is no {}", dir.display());
        return;
    }
    let data = load_text(&dir, 64, EVERY, None).unwrap();
    assert_eq!((data.name(), data.example_shape()), ("shakespeare", &[64, 65][..]));
    let (train, test) = (data.train(), data.test());
    assert_eq!((train.characters().len(), test.characters().len()), (1_003_855, 111_539));
    assert_eq!((train.len(), test.len()), (1_003_854 / 64, 111_538 / 64));
    // Written out again, it is the file, of which the digest is known.
    let Encoding::Text { vocabulary } = data.encoding() else { panic!() };
    let vocabulary: Vec<char> = vocabulary.chars().collect();
    let all = train.characters().iter().chain(test.characters());
    let text: String = all.map(|&c| vocabulary[usize::from(c)]).collect();
    let digest: String = {
        use sha2::Digest;
        sha2::Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
    };
    assert_eq!(digest, cotangent_data::SHAKESPEARE_FILE.sha256);
    assert!(text.starts_with("First Citizen:\nBefore we proceed"), "{}", &text[..40]);
    // Spaces and the letter e lead, as in English.
    let mut counts = vec![0; 65];
    train.characters().iter().for_each(|&c| counts[usize::from(c)] += 1);
    let mut order: Vec<usize> = (0..65).collect();
    order.sort_by_key(|&c| std::cmp::Reverse(counts[c]));
    assert_eq!((vocabulary[order[0]], vocabulary[order[1]]), (' ', 'e'));
}
