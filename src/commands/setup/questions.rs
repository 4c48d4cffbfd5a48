//! Asks the user for missing settings. Only on a terminal, and never for a secret.

use std::io::{self, IsTerminal};

use anyhow::Result;

use crate::commands::setup::terminal::{Terminal, Typed, say};
use crate::platform::terminal;
use crate::settings::schema::Key;
use crate::settings::{Given, dirs};
use crate::tokens::config::KeySource;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::github::signer;
use crate::tokens::host::Host;
use crate::tokens::secret;

/// How often to repeat a question after a wrong answer.
const TRIES: usize = 3;

/// A question, and what its answer looks like.
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

/// Whether there is a user to ask.
pub fn can_ask() -> bool {
    terminal::CAN_ASK && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for host, App and key file, and stores the answers as if given as options.
pub fn fill(given: &mut Given) -> Result<()> {
    let mut terminal = Terminal::open(form_of)?;
    say("No token source is configured yet. Three questions; the answers go\nto the settings file.\n")?;
    let host = ask(&mut terminal, &HOST, host)?;
    if !host.is_empty() {
        given.add(Key::Host, host);
    }
    given.add(Key::AppId, ask(&mut terminal, &APP, issuer)?);
    given.add(Key::PrivateKeyFile, ask(&mut terminal, &KEY, key_file)?);
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

/// Reads the file, so that a mistake is noticed now.
fn key_file(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err(KEY.expected.to_owned());
    }
    let path = in_home(text)?;
    let print = signer::fingerprint(&KeySource::File(path.clone().into()));
    let print = print.map_err(|error| format!("{error:#}"))?.unwrap_or_default();
    say(&format!("Its fingerprint is {print}\n")).map(|()| path).map_err(|error| error.to_string())
}

/// No shell expands `~/` here, so this does.
fn in_home(text: &str) -> Result<String, String> {
    let Some(rest) = text.strip_prefix('~') else { return Ok(text.to_owned()) };
    let Some(below) = rest.strip_prefix('/') else {
        return Err("only ~/ is expanded here, to your home directory: give the full path".to_owned());
    };
    let home = dirs::home().ok_or("there is no home directory: give the full path")?;
    Ok(home.join(below).to_string_lossy().into_owned())
}

/// Says what kind of secret a text looks like.
fn form_of(text: &str) -> Option<&'static str> {
    secret::looks_like(text).map(secret::Looks::in_words)
}

fn ask(
    terminal: &mut Terminal,
    question: &Question,
    check: impl Fn(&str) -> Result<String, String>,
) -> Result<String> {
    for _ in 0..TRIES {
        match terminal.ask(question.text)? {
            Typed::Line(line) => match check(line.trim()) {
                Ok(answer) => return Ok(answer),
                Err(wrong) => say(&format!("{wrong}\n"))?,
            },
            Typed::Secret(what) => {
                let expected = question.expected;
                say(&format!("this is {what}, which is neither shown nor kept here\n{expected}\n"))?;
            }
            Typed::End => break,
            Typed::Interrupted => {
                terminal.interrupt();
                break;
            }
        }
    }
    Err(Failure::new(Kind::Usage, "the question was not answered")
        .hint("give the answers as options: --host, --app-id, --private-key-file")
        .into())
}
