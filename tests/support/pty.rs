//! A terminal that a test types into and reads, with a program on it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::http_server::lock;
use super::inherited;
use super::sandbox::Sandbox;

/// Long enough for a slow machine, short enough to notice a hang.
const LIMIT: Duration = Duration::from_mins(1);

/// A program on a terminal; it is killed when dropped.
pub struct Terminal {
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    child: Child,
    deadline: Instant,
}

impl Terminal {
    /// Starts a program of a sandbox with all three streams on a new terminal.
    pub fn start(sandbox: &Sandbox, program: impl AsRef<Path>, args: &[&str]) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudoterminal");
        grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("a pseudoterminal of ours");
        let name = ptsname(&keyboard, Vec::new()).expect("its name").into_string().expect("UTF-8");
        let side = || File::options().read(true).write(true).open(&name).expect("its other side");
        let mut command = inherited::command(program.as_ref(), &sandbox.env(), None);
        command.args(args).current_dir(sandbox.path());
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("a program");
        // The sides that this process holds: the screen ends with the program.
        drop(command);
        let keyboard = File::from(keyboard);
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, sink) = (keyboard.try_clone().expect("a descriptor"), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                lock(&sink).extend_from_slice(&buffer[..read]);
            }
        });
        Self { keyboard, screen, child, deadline: Instant::now() + LIMIT }
    }

    /// All that was shown so far.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&lock(&self.screen)).into_owned()
    }

    /// Types, or pastes, into the terminal.
    pub fn send(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("room in the terminal");
    }

    /// Waits until what has come on the screen after `mark` bytes holds this text; returns where it ends.
    #[track_caller]
    pub fn wait_for(&self, mark: usize, text: &str) -> usize {
        loop {
            let screen = self.screen();
            if let Some(place) = screen.get(mark..).and_then(|new| new.find(text)) {
                return mark + place + text.len();
            }
            assert!(Instant::now() < self.deadline, "{text:?} never came; the screen:\n{screen}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for the program's end; its exit code, or minus its signal.
    #[track_caller]
    pub fn wait(&mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt as _;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return status.code().unwrap_or_else(|| -status.signal().unwrap_or(0));
            }
            assert!(Instant::now() < self.deadline, "no end; the screen:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
