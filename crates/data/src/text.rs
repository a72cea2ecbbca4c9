//! Plain text, character by character.

use std::io;
use std::path::{Path, PathBuf};

use crate::{Dataset, DatasetError, RemoteFile, Split, TextTarget};

/// Where the works of Shakespeare are downloaded from: the example data of `char-rnn` by Andrej
/// Karpathy.
pub const SHAKESPEARE_MIRROR: &str = "https://raw.githubusercontent.com/karpathy/char-rnn/\
     6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/";

/// 40,000 lines of Shakespeare, with size and sha256.
pub const SHAKESPEARE_FILE: RemoteFile = RemoteFile {
    name: "input.txt",
    bytes: 1_115_394,
    sha256: "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
};

/// A text that is not a data set.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name every field
pub enum TextError {
    #[error("{}: cannot be read: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: no text; give a folder that holds a .txt file", path.display())]
    NoText { path: PathBuf },
    #[error("{}: byte {at} is not UTF-8; convert the file", path.display())]
    NotUtf8 { path: PathBuf, at: usize },
    #[error("{}: {found} distinct characters are too many: at most 65535 are supported", path.display())]
    Vocabulary { path: PathBuf, found: usize },
    #[error(
        "{}: the character {character:?} is not in the vocabulary of the weights, which has {size}; \
         give text of the same characters", path.display()
    )]
    UnknownCharacter { path: PathBuf, character: char, size: usize },
    #[error("{}: the {part} split: {source}; give more text, or a network with a shorter window", path.display())]
    Dataset { path: PathBuf, part: &'static str, source: DatasetError },
}

/// Reads a text: a file, or all `.txt` files of a folder in order of name, one after the other.
///
/// The vocabulary is the text's characters in order of their code points, or the one given. The last
/// tenth is the test split; examples are windows of `window` characters, one after the other.
///
/// # Errors
/// There is no text, it is not UTF-8, has characters that are not in the vocabulary, or less than a
/// window and a character in one of the splits.
pub fn load_text(
    path: &Path,
    window: usize,
    target: TextTarget,
    vocabulary: Option<&str>,
) -> Result<Dataset, TextError> {
    let files = match path.is_dir() {
        true => text_files(path)?,
        false => vec![path.to_path_buf()],
    };
    if files.is_empty() {
        return Err(TextError::NoText { path: path.into() });
    }
    let mut text = String::new();
    for path in files {
        let bytes =
            std::fs::read(&path).map_err(|source| TextError::Io { path: path.clone(), source })?;
        let part = str::from_utf8(&bytes)
            .map_err(|e| TextError::NotUtf8 { path: path.clone(), at: e.valid_up_to() })?;
        text.push_str(part);
    }
    let mut distinct: Vec<char> = match vocabulary {
        Some(vocabulary) => vocabulary.chars().collect(),
        None => std::collections::BTreeSet::from_iter(text.chars()).into_iter().collect(),
    };
    if distinct.len() > usize::from(u16::MAX) {
        return Err(TextError::Vocabulary { path: path.into(), found: distinct.len() });
    }
    let vocabulary: String = distinct.iter().collect();
    let number: std::collections::HashMap<char, u16> = distinct.drain(..).zip(0u16..).collect();
    let characters = text.chars().map(|c| {
        number.get(&c).copied().ok_or_else(|| TextError::UnknownCharacter {
            path: path.into(),
            character: c,
            size: number.len(),
        })
    });
    let mut train = characters.collect::<Result<Vec<u16>, _>>()?;
    let test = train.split_off(train.len() - train.len() / 10);
    let failed = |part| move |source| TextError::Dataset { path: path.into(), part, source };
    let train = Split::text(train, window).map_err(failed("training"))?;
    let test = Split::text(test, window).map_err(failed("test"))?;
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let name = folder.and_then(|p| p.canonicalize().ok());
    let name = name.as_deref().and_then(Path::file_name).and_then(|n| n.to_str()).unwrap_or("text");
    Dataset::text(name, train, test, vocabulary, target).map_err(failed("training"))
}

/// The `.txt` files in `dir`, in order of name.
pub(crate) fn text_files(dir: &Path) -> Result<Vec<PathBuf>, TextError> {
    let error = |source| TextError::Io { path: dir.into(), source };
    let entries = std::fs::read_dir(dir).map_err(error)?;
    let mut paths =
        entries.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(error)?;
    paths.retain(|p| p.is_file() && p.extension().is_some_and(|e| e.eq_ignore_ascii_case("txt")));
    paths.sort();
    Ok(paths)
}
