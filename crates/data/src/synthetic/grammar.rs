//! A small artificial language.
//!
//! A sentence is `[adjective] noun verb [adjective] noun` and an end mark. Words are random letters,
//! settled by the seed; some are more frequent than others. The end mark is that of the first noun:
//! who reads only a few characters back cannot tell it.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Words of each kind: adjectives, nouns, verbs.
const WORDS: [usize; 3] = [8, 24, 12];

/// The characters of a language of `size` characters: space, end marks, letters, then whatever else.
pub(super) fn alphabet(size: usize) -> String {
    let first = " .!?\nabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".chars();
    let others = (0x21..0x7f).chain(0xa1..0x3000).filter_map(char::from_u32);
    let others = others.filter(|c| !first.clone().any(|f| f == *c));
    first.clone().chain(others).take(size).collect()
}

/// Writes `len` characters, as numbers in the alphabet of `size` characters. The language is a
/// function of `seed` and `size`, the text also of `stream`.
pub(super) fn write(seed: u64, stream: u64, size: usize, len: usize) -> Vec<u16> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(u64::MAX); // apart from every text
    // Space first; as many end marks, three at most, as leave letters over.
    let marks = size.saturating_sub(2).min(3);
    let letters = (1 + marks) as u32..size as u32;
    let words = WORDS.map(|n| {
        let word = |_| {
            let length = rng.random_range(2..7u32);
            (0..length).map(|_| rng.random_range(letters.clone()) as u16).collect()
        };
        (0..n).map(word).collect::<Vec<Vec<u16>>>()
    });
    rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    let mut text = Vec::with_capacity(len + 64);
    while text.len() < len {
        let mut subject = None;
        for kind in [0, 1, 2, 0, 1] {
            // Adjectives are there half of the time.
            if kind == 0 && rng.random_range(0..2u32) == 0 {
                continue;
            }
            // The smaller of two: the first words of a kind are the frequent ones.
            let mut pick = || rng.random_range(0..WORDS[kind] as u32) as usize;
            let word = pick().min(pick());
            if kind == 1 {
                subject.get_or_insert(word);
            }
            // Between words and after an end mark.
            if !text.is_empty() {
                text.push(0);
            }
            text.extend_from_slice(&words[kind][word]);
        }
        if marks > 0 {
            text.push(1 + (subject.unwrap_or(0) % marks) as u16);
        }
    }
    text.truncate(len);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(seed: u64, stream: u64, size: usize, len: usize) -> String {
        let alphabet: Vec<char> = alphabet(size).chars().collect();
        write(seed, stream, size, len).iter().map(|&c| alphabet[usize::from(c)]).collect()
    }

    #[test]
    fn alphabets_have_distinct_characters() {
        for size in [2, 31, 65, 96, 4096] {
            let alphabet = alphabet(size);
            let distinct: std::collections::BTreeSet<char> = alphabet.chars().collect();
            assert_eq!((alphabet.chars().count(), distinct.len()), (size, size));
        }
    }

    #[test]
    fn texts_are_functions_of_their_seed() {
        assert_eq!(text(1, 0, 30, 500), text(1, 0, 30, 900)[..500]);
        assert_ne!(text(1, 0, 30, 500), text(2, 0, 30, 500));
        assert_ne!(text(1, 0, 30, 500), text(1, 1, 30, 500));
    }

    /// Sentences have three to five words of one lexicon, and the first noun settles the end mark.
    #[test]
    fn sentences_follow_the_grammar() {
        let text = text(5, 0, 31, 40_000) + &text(5, 1, 31, 40_000);
        let mut marks = std::collections::BTreeMap::<(String, usize), [usize; 3]>::new();
        let mut words = std::collections::BTreeSet::new();
        let mut sentences = 0;
        // The first of each stream is whole; the last is not.
        for sentence in text.split_inclusive(['.', '!', '?']) {
            let mark = sentence.chars().last().unwrap();
            let sentence: Vec<&str> = sentence.trim_end_matches(mark).split_whitespace().collect();
            let Some(k) = ".!?".find(mark) else { continue };
            sentences += 1;
            assert!(sentence.len() <= 10, "{sentence:?}");
            words.extend(sentence.iter().map(|w| w.to_string()));
            if sentence.len() == 3 {
                marks.entry((sentence[0].into(), 3)).or_default()[k] += 1;
            }
        }
        assert!(sentences > 3000, "{sentences}");
        assert!(words.len() <= 44 + 4, "{words:?}");
        assert!(marks.len() >= 20, "{marks:?}");
        for (noun, seen) in &marks {
            let most = *seen.iter().max().unwrap();
            let all: usize = seen.iter().sum();
            assert!(all - most <= 1, "{noun:?}: {seen:?}");
        }
        // All marks are used, so the rule is worth learning.
        assert!((0..3).all(|k| marks.values().any(|m| m[k] > 5)), "{marks:?}");
    }
}
