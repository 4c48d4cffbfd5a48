//! A file that lines are appended to, each as a whole: nothing is buffered, so that a line is written, or its writer knows that
//! it is not.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Takes lines.
#[derive(Debug)]
pub struct LineSink {
    file: File,
    /// Writing to it may have to wait for a reader.
    waits: bool,
    /// The last line broke off.
    torn: bool,
}

impl LineSink {
    /// A file, made where it is not there. Nobody but its owner may read it.
    ///
    /// # Errors
    /// It cannot be written to, or others may read it.
    pub fn file(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_file() && metadata.mode() & 0o077 != 0 {
            let (mode, shown) = (metadata.mode() & 0o777, path.display());
            let message = format!("others may read it (mode {mode:03o}); fix it with: chmod 600 {shown}");
            return Err(io::Error::other(message));
        }
        Ok(Self::of(file))
    }

    /// Standard output.
    ///
    /// # Errors
    /// It is closed.
    pub fn stdout() -> io::Result<Self> {
        io::stdout().as_fd().try_clone_to_owned().map(File::from).map(Self::of)
    }

    fn of(file: File) -> Self {
        let waits = !file.metadata().is_ok_and(|metadata| metadata.is_file());
        Self { file, waits, torn: false }
    }

    /// Writes a line with its end. It does not wait for whoever reads a pipe, save with a line above 4 KiB, which a pipe may
    /// take in parts (pipe(7), `PIPE_BUF`).
    ///
    /// # Errors
    /// It is not written, at least not as a whole; [`io::ErrorKind::WouldBlock`]: not now.
    pub fn write(&mut self, line: &str) -> io::Result<()> {
        if self.waits {
            let mut polled = [PollFd::new(&self.file, PollFlags::OUT)];
            if poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? == 0 {
                return Err(io::Error::new(io::ErrorKind::WouldBlock, "its reader does not read"));
            }
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
