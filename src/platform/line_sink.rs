//! A file that whole lines are appended to. Nothing is buffered: either the line is written, or the writer learns that it
//! was not.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::platform::files;

/// Takes lines.
#[derive(Debug)]
pub struct LineSink {
    file: File,
    /// Writing may have to wait for a reader.
    waits: bool,
    /// The last line was cut short.
    torn: bool,
}

impl LineSink {
    /// A file, created if it does not exist. Only its owner may read it.
    ///
    /// # Errors
    /// It cannot be written to, or others may read it.
    pub fn file(path: &Path) -> io::Result<Self> {
        files::append_privately(path).map(Self::of)
    }

    /// Standard output.
    ///
    /// # Errors
    /// It is closed.
    pub fn stdout() -> io::Result<Self> {
        files::stdout().map(Self::of)
    }

    fn of(file: File) -> Self {
        let waits = !file.metadata().is_ok_and(|metadata| metadata.is_file());
        Self { file, waits, torn: false }
    }

    /// Writes a line with its newline. It does not wait for the reader of a pipe, except with a line above 4 KiB, which a
    /// pipe may take in parts (pipe(7), `PIPE_BUF`).
    ///
    /// # Errors
    /// The line was not written, or only in part; [`io::ErrorKind::WouldBlock`]: try again later.
    pub fn write(&mut self, line: &str) -> io::Result<()> {
        if self.waits && !files::takes_more(&self.file)? {
            return Err(io::Error::new(io::ErrorKind::WouldBlock, "its reader does not read"));
        }
        if self.torn {
            self.file.write_all(b"\n")?;
            self.torn = false;
        }
        let written = self.file.write(line.as_bytes())?;
        if written < line.len() {
            self.torn = true;
            self.file.write_all(&line.as_bytes()[written..])?;
            self.torn = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn lines_are_appended_to_a_file_of_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        LineSink::file(&path).unwrap().write("one\n").unwrap();
        LineSink::file(&path).unwrap().write("two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = LineSink::file(&path).unwrap_err().to_string();
        assert!(error.contains("mode 640") && error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_pipe_that_nobody_reads_takes_what_it_can_and_then_says_so() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut sink = LineSink::of(File::from(std::os::fd::OwnedFd::from(writer)));
        let line = format!("{}\n", "x".repeat(999));
        let mut written = 0;
        let error = loop {
            match sink.write(&line) {
                Ok(()) => written += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        let mut read = vec![0; written * line.len()];
        reader.read_exact(&mut read).unwrap();
        sink.write(&line).unwrap();
        drop(reader);
        assert_eq!(sink.write(&line).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
