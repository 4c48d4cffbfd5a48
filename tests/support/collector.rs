//! What a program writes, read beside it.

use std::convert::Infallible;
use std::io::Read;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::http_server::lock;

/// Reads a pipe while the program runs, so that it never blocks on a full one.
pub struct Collector {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Collector {
    /// Begins; `open` is dropped when the pipe has ended.
    pub fn start(mut pipe: impl Read + Send + 'static, open: Sender<Infallible>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                lock(&sink).extend_from_slice(&buffer[..read]);
            }
            drop(open);
        });
        Self { bytes, reader }
    }

    /// What has come so far, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.bytes)).into_owned()
    }

    /// Waits for end of file, but not long: whoever still holds the pipe is a child that the
    /// program has left behind. Returns whether the end has come.
    pub fn ends_within(&self, time: Duration) -> bool {
        let latest = Instant::now() + time;
        while !self.reader.is_finished() && Instant::now() < latest {
            std::thread::sleep(Duration::from_micros(200));
        }
        self.reader.is_finished()
    }

    /// What has come so far.
    pub fn bytes(&self) -> Vec<u8> {
        lock(&self.bytes).clone()
    }
}
