//! Files that are read whole, and written whole or left as they were.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Bytes ready to become a file: all that can fail early has succeeded.
#[derive(Debug)]
pub struct StagedFile(Target);

#[derive(Debug)]
enum Target {
    /// A regular file, or nothing yet: the finished temporary beside it is
    /// renamed over it.
    File(NamedTempFile, PathBuf),
    /// A device, a pipe or the like, which keeps its place and takes the bytes.
    Special(PathBuf, Vec<u8>),
}

impl StagedFile {
    /// Makes `bytes` ready to be the content of `path`, symbolic links followed.
    ///
    /// # Errors
    /// The path is a directory, or the file cannot be written beside it.
    pub fn new(path: &Path, bytes: &[u8]) -> Result<Self> {
        if is_special(path) {
            return Ok(StagedFile(Target::Special(path.into(), bytes.into())));
        }
        let path = follow(path)?;
        if path.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        let name = path.file_name().ok_or(ErrorKind::InvalidInput)?.to_string_lossy();
        let folder = match path.parent() {
            Some(p) if !p.as_os_str().is_empty() => p,
            _ => Path::new("."),
        };
        // A name of its own: two writers of one file never share a temporary.
        let mut file = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(TEMPORARY)
            .permissions(permissions())
            .tempfile_in(folder)
            .map_err(without_temporary)?;
        file.as_file_mut().write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(StagedFile(Target::File(file, path)))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// It cannot be renamed, or the device does not take the bytes.
    pub fn commit(self) -> Result<()> {
        match self.0 {
            Target::File(file, path) => file.persist(path).map(drop).map_err(|e| e.error),
            Target::Special(path, bytes) => {
                // Appending keeps what is there where `/dev/stdout` is a file.
                OpenOptions::new().append(true).open(path)?.write_all(&bytes)
            }
        }
    }
}

/// The last part of a temporary file's name.
pub(crate) const TEMPORARY: &str = ".tmp";

/// Writes `bytes` to `path`: beside it, forced to disk, renamed into place, so
/// that after a crash or on a full disk the file is what it was, or all of
/// `bytes`. A symbolic link stays and its target is written; a device or a
/// pipe is written to, never replaced.
///
/// # Errors
/// As [`StagedFile::new`] and [`StagedFile::commit`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    StagedFile::new(path, bytes)?.commit()
}

/// The content of `path`.
///
/// # Errors
/// It cannot be read, or is a device: some of those never end.
pub fn read_whole(path: &Path) -> Result<Vec<u8>> {
    use std::os::unix::fs::FileTypeExt;
    if fs::metadata(path)?.file_type().is_char_device() {
        return Err(Error::new(ErrorKind::InvalidInput, "a device, expected a file"));
    }
    fs::read(path)
}

/// Whether `path` is something other than a regular file or a directory, or
/// another name for an open file (`/dev/stdout`).
pub fn is_special(path: &Path) -> bool {
    let open_file = path.starts_with("/dev") || path.starts_with("/proc");
    fs::metadata(path).is_ok_and(|m| !m.is_dir() && (open_file || !m.is_file()))
}

/// The path that `path` leads to once its last part is no symbolic link; there
/// may be nothing there yet.
fn follow(path: &Path) -> Result<PathBuf> {
    let mut path = path.to_path_buf();
    // Linux gives up after as many.
    for _ in 0..40 {
        let Ok(link) = fs::read_link(&path) else { return Ok(path) };
        path = path.parent().unwrap_or(Path::new("")).join(link);
    }
    Err(Error::other("too many levels of symbolic links"))
}

/// The error without the temporary's name, which tells nobody anything.
fn without_temporary(e: Error) -> Error {
    match e.to_string().rsplit_once(" at path ") {
        Some((text, _)) => Error::new(e.kind(), text),
        None => e,
    }
}

/// What a plain file gets, less the umask; temporary files are private unless
/// told otherwise.
fn permissions() -> Permissions {
    use std::os::unix::fs::PermissionsExt;
    Permissions::from_mode(0o666)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::{FileTypeExt, symlink};

    #[test]
    fn an_endless_device_is_not_read() {
        let error = read_whole(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(error.to_string(), "a device, expected a file");
    }

    #[test]
    fn links_stay_links() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        fs::write(at("sub/target"), "old").unwrap();
        symlink("sub/target", at("link")).unwrap();
        symlink("link", at("link2")).unwrap();
        symlink("sub/new", at("dangling")).unwrap();
        write_whole(&at("link2"), b"new").unwrap();
        write_whole(&at("dangling"), b"made").unwrap();
        assert_eq!(fs::read(at("sub/target")).unwrap(), b"new");
        assert_eq!(fs::read(at("sub/new")).unwrap(), b"made");
        for link in ["link", "link2", "dangling"] {
            assert!(at(link).is_symlink(), "{link}");
        }
        symlink("loop", at("loop")).unwrap();
        assert!(write_whole(&at("loop"), b"x").is_err());
        assert_eq!(fs::read_dir(at("sub")).unwrap().count(), 2, "a temporary was left");
    }

    #[test]
    fn devices_and_pipes_are_written_to() {
        // A pipe stands for every device: a failing test must not replace one.
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let reader = std::thread::spawn({
            let fifo = fifo.clone();
            move || {
                let mut text = String::new();
                fs::File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
                text
            }
        });
        write_whole(&fifo, b"through").unwrap();
        assert_eq!(reader.join().unwrap(), "through");
        assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());
    }

    #[test]
    fn errors_do_not_name_the_temporary() {
        let dir = tempfile::tempdir().unwrap();
        let error = write_whole(&dir.path().join("none/file"), b"").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(!error.to_string().contains(".tmp"), "{error}");
        assert_eq!(write_whole(dir.path(), b"").unwrap_err().kind(), ErrorKind::IsADirectory);
    }
}
