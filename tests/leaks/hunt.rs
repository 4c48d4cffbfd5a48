//! Finds secrets in bytes: as they are, in base64, and in pieces. Reports name the kind of a secret, never its text.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::support::sandbox::{Sandbox, files_below};

/// Output with twice as many characters of a secret in a row contains a whole piece.
const PIECE: usize = 20;

/// What to look for.
#[derive(Default)]
pub struct Hunt {
    pieces: HashMap<Vec<u8>, &'static str>,
    ours: HashMap<PathBuf, Vec<u8>>,
}

impl Hunt {
    /// Looks for a secret from now on.
    pub fn add(&mut self, kind: &'static str, secret: &str) {
        assert!(secret.len() >= PIECE, "{kind}: too short to be told from other text");
        self.add_pieces(kind, secret.as_bytes());
        // Base64 of a longer text that holds the secret somewhere: there are three ways in which it can lie.
        for (shift, spoilt) in [(0, 0), (1, 2), (2, 3)] {
            let shifted = [&vec![0; shift], secret.as_bytes()].concat();
            for text in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
                self.add_pieces(kind, &text.as_bytes()[spoilt..text.len() - 1]);
            }
        }
    }

    fn add_pieces(&mut self, kind: &'static str, text: &[u8]) {
        self.pieces.extend(text.chunks_exact(PIECE).map(|piece| (piece.to_vec(), kind)));
    }

    /// Looks for a token; its beginning is the same in all.
    pub fn add_token(&mut self, token: &str) {
        self.add("token", &token[60..]);
    }

    /// Looks for an App JWT: its signature, without which it is worth nothing.
    pub fn add_jwt(&mut self, jwt: &str) {
        self.add("App JWT", jwt.rsplit('.').next().expect("a signature"));
    }

    /// Looks for the lines of a private key.
    pub fn add_key(&mut self, pem: &str) {
        for line in pem.lines().filter(|line| line.len() == 64) {
            self.add("private key", line);
        }
    }

    /// The kinds of secrets in these bytes.
    pub fn kinds_in(&self, bytes: &[u8]) -> BTreeSet<&'static str> {
        bytes.windows(PIECE).filter_map(|window| self.pieces.get(window).copied()).collect()
    }

    /// Leaves out of the search the files that are there now, as they are now: the test has written them.
    pub fn know_files(&mut self, sandbox: &Sandbox) {
        for path in files_below(sandbox.path()) {
            let content = fs::read(&path).unwrap_or_default();
            self.ours.insert(path, content);
        }
    }

    /// What is wrong with the files of a sandbox: a secret in a name, or in a file that is not the test's. Tokens may be
    /// in private files: the cache's entries and gh's login.
    pub fn search_files(&self, sandbox: &Sandbox) -> Vec<String> {
        let mut wrong = Vec::new();
        for path in files_below(sandbox.path()) {
            let shown = path.strip_prefix(sandbox.path()).expect("a file of the sandbox").display();
            let name = path.as_os_str().as_encoded_bytes();
            wrong.extend(self.kinds_in(name).iter().map(|kind| format!("{kind} in the name of a file")));
            let Ok(content) = fs::read(&path) else { continue };
            if self.ours.get(&path) == Some(&content) {
                continue;
            }
            let private = fs::metadata(&path).is_ok_and(|metadata| metadata.mode().trailing_zeros() >= 6);
            let home =
                private && ["json", "yml"].iter().any(|end| path.extension().is_some_and(|e| e == *end));
            let kinds = self.kinds_in(&content);
            let kinds = kinds.iter().filter(|kind| !(home && **kind == "token"));
            wrong.extend(kinds.map(|kind| format!("{kind} in the file {shown}")));
        }
        wrong
    }
}

#[test]
fn the_hunt_finds_what_it_is_for() {
    let token = crate::support::tokens::stateless_token(1);
    let mut hunt = Hunt::default();
    hunt.add_token(&token);
    let found = |text: &str| !hunt.kinds_in(text.as_bytes()).is_empty();
    assert!(found(&format!("x{token}y")) && found(&token[token.len() - 60..]));
    for before in ["", "x", "xy", "x-access-token:"] {
        let text = format!("{before}{token}\n");
        assert!(found(&STANDARD_NO_PAD.encode(&text)) && found(&URL_SAFE_NO_PAD.encode(&text)), "{before:?}");
    }
    assert!(!found(&crate::support::tokens::stateless_token(1)));
}
