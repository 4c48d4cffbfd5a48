//! Asks a person for what is needed and was not given. Only on a terminal, and never for a secret.

use std::io::{self, IsTerminal};

use anyhow::Result;

use super::terminal::{Answer, Terminal, say};
use crate::cli::Options;
use crate::error::{Failure, Kind};
use crate::provider::signer;
use crate::secret;
use crate::settings::hosts::Host;
use crate::settings::{KeySource, dirs};

/// How often an answer that will not do is asked for again.
const TRIES: usize = 3;

/// What is asked, and what an answer is like.
struct Question {
    text: &'static str,
    expected: &'static str,
}

const HOST: Question = Question {
    text: "Git host [github.com]: ",
    expected: "expected a host such as github.com, SUB.ghe.com or ghe.example.com:8443",
};
const APP: Question = Question {
    text: "The App's client ID or App ID (on its settings page): ",
    expected: "expected a client ID such as Iv23liExample, or an App ID, which is a number",
};
const KEY: Question = Question {
    text: "Path of the App's private key file (.pem): ",
    expected: "expected the path of the file that the private key is in",
};

/// Whether there is somebody to ask.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for host, App and key file, and puts the answers where options would be.
pub fn fill(options: &mut Options) -> Result<()> {
    let mut terminal = Terminal::open(form_of)?;
    say("No token source is configured yet. Three questions; the answers go\nto the settings file.\n")?;
    let host = ask(&mut terminal, &HOST, host)?;
    if !host.is_empty() {
        options.host = Some(host);
    }
    options.app_id = Some(ask(&mut terminal, &APP, issuer)?);
    options.private_key_file = Some(ask(&mut terminal, &KEY, key_file)?);
    Ok(())
}

fn host(text: &str) -> Result<String, String> {
    let good = text.is_empty() || text.contains('.') && Host::parse(text).is_ok();
    if good { Ok(text.to_owned()) } else { Err(HOST.expected.to_owned()) }
}

fn issuer(text: &str) -> Result<String, String> {
    let good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if good { Ok(text.to_owned()) } else { Err(APP.expected.to_owned()) }
}

/// Reads the file, so that a wrong one is noticed now.
fn key_file(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err(KEY.expected.to_owned());
    }
    let path = in_home(text)?;
    let print = signer::fingerprint(&KeySource::File(path.clone().into()));
    let print = print.map_err(|error| format!("{error:#}"))?.unwrap_or_default();
    say(&format!("Its fingerprint is {print}\n")).map(|()| path).map_err(|error| error.to_string())
}

/// No shell has read it: `~/` is the home directory here, too.
fn in_home(text: &str) -> Result<String, String> {
    let Some(rest) = text.strip_prefix('~') else { return Ok(text.to_owned()) };
    let Some(below) = rest.strip_prefix('/') else {
        return Err("only ~/ is known here, for your own home directory: give the whole path".to_owned());
    };
    let home = dirs::home().ok_or("there is no home directory: give the whole path")?;
    Ok(home.join(below).to_string_lossy().into_owned())
}

/// Says what a text is that has the form of a secret.
fn form_of(text: &str) -> Option<&'static str> {
    let is_line_of_key = |word: &str| word.starts_with("MII") && word.len() >= 60;
    if text.contains("-----BEGIN") {
        let is_public = text.contains("CERTIFICATE") || text.contains("PUBLIC");
        return Some(if is_public { "PEM text itself" } else { "the private key itself" });
    }
    if text.contains("LS0tLS1CRUdJTi") || text.split_whitespace().any(is_line_of_key) {
        return Some("the private key itself, in base64");
    }
    (*secret::hide(text) != *text).then_some("a token or a JWT")
}

fn ask(
    terminal: &mut Terminal,
    question: &Question,
    check: impl Fn(&str) -> Result<String, String>,
) -> Result<String> {
    for _ in 0..TRIES {
        match terminal.ask(question.text)? {
            Answer::Line(line) => match check(line.trim()) {
                Ok(answer) => return Ok(answer),
                Err(wrong) => say(&format!("{wrong}\n"))?,
            },
            Answer::Secret(what) => {
                let expected = question.expected;
                say(&format!("this is {what}, which is neither shown nor kept here\n{expected}\n"))?;
            }
            Answer::End => break,
            Answer::Interrupted => {
                terminal.interrupt();
                break;
            }
        }
    }
    Err(Failure::new(Kind::Usage, "the question was not answered")
        .hint("give the answers as options: --host, --app-id, --private-key-file")
        .into())
}

#[cfg(test)]
mod tests {
    use super::form_of;

    #[test]
    fn secrets_are_known_by_their_form_and_answers_are_none() {
        let line = "M".to_owned() + &"I".repeat(70);
        for (text, what) in [
            ("-----BEGIN RSA PRIVATE KEY-----\nMII", Some("the private key itself")),
            ("-----BEGIN", Some("the private key itself")),
            ("-----BEGIN CERTIFICATE-----", Some("PEM text itself")),
            ("LS0tLS1CRUdJTiBSU0EgUFJJ", Some("the private key itself, in base64")),
            (line.as_str(), Some("the private key itself, in base64")),
            ("ghs_0123456789012345678901234567890123456", Some("a token or a JWT")),
            ("github.com", None),
            ("Iv23liExample0123456", None),
            ("/home/me/MII/my-app.2026-01-01.private-key.pem", None),
            ("", None),
        ] {
            assert_eq!(form_of(text), what, "{text}");
        }
    }
}
