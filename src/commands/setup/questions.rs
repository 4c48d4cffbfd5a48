//! Asks a person for what is needed and was not given. Only on a terminal, and never for a secret.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::Result;

use crate::cli::Options;
use crate::error::{Failure, Kind};
use crate::provider::signer;
use crate::settings::KeySource;
use crate::settings::hosts::Host;
use crate::settings::schema::Key;

/// How often an answer that will not do is asked for again.
const TRIES: usize = 3;

/// Whether there is somebody to ask.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for host, App and key file, and puts the answers where options would be.
pub fn fill(options: &mut Options) -> Result<()> {
    say("No token source is configured yet. Three questions; the answers go\nto the settings file.\n")?;
    let host = ask("Git host [github.com]: ", host)?;
    if !host.is_empty() {
        options.given.add(Key::Host, host);
    }
    options.given.add(Key::AppId, ask("The App's client ID or App ID (on its settings page): ", needed)?);
    options.given.add(Key::PrivateKeyFile, ask("Path of the App's private key file (.pem): ", key_file)?);
    Ok(())
}

fn host(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains('.') && Host::parse(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err("this is no host such as github.com, SUB.ghe.com or ghe.example.com:8443".to_owned())
}

fn needed(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("this is needed".to_owned()) } else { Ok(text.to_owned()) }
}

fn key_file(text: &str) -> Result<String, String> {
    let path = needed(text)?;
    match signer::fingerprint(&KeySource::File(path.clone().into())) {
        Ok(print) => say(&format!("Its fingerprint is {}\n", print.unwrap_or_default()))
            .map(|()| path)
            .map_err(|error| error.to_string()),
        Err(error) => Err(format!("{error:#}")),
    }
}

fn ask(question: &str, check: impl Fn(&str) -> Result<String, String>) -> Result<String> {
    for _ in 0..TRIES {
        say(question)?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            break;
        }
        match check(line.trim()) {
            Ok(answer) => return Ok(answer),
            Err(wrong) => say(&format!("{wrong}\n"))?,
        }
    }
    Err(Failure::new(Kind::Usage, "the question was not answered")
        .hint("give the answers as options: --host, --app-id, --private-key-file")
        .into())
}

fn say(text: &str) -> io::Result<()> {
    io::stderr().write_all(text.as_bytes())
}
