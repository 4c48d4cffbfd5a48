//! What proves us to a broker: a bearer from the environment, a file or a command, or the id-token of a GitHub Actions job.
//! Files are read, commands run and id-tokens asked for at each fetch, as all of them expire.

use std::path::Path;

use anyhow::Result;
use zeroize::Zeroizing;

use crate::tokens::config::BearerSource;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::http::Client;
use crate::tokens::secret::Secret;
use crate::tokens::shell_command;
use crate::tokens::source::id_token;

const NOT_ONE_LINE: &str = "one line of printable characters";

/// The bearer, as it is now.
///
/// # Errors
/// It cannot be had; the message holds nothing of it.
pub fn read(source: &BearerSource, client: &Client) -> Result<Option<Secret>> {
    Ok(Some(match source {
        BearerSource::None => return Ok(None),
        BearerSource::Text(secret) => secret.clone(),
        BearerSource::File(path) => of_file(path)?,
        BearerSource::Command(line) => of_command(line, client)?,
        BearerSource::IdToken(source) => id_token::fetch(source, client)?,
    }))
}

/// Whether others may replace the bearer at any time, so a refused one may just be out of date. This is not so for a bearer
/// made for each fetch: the next one would be refused like the first, and the broker counts refusals.
pub fn may_have_rotated(source: &BearerSource) -> bool {
    matches!(source, BearerSource::File(_))
}

fn of_file(path: &Path) -> Result<Secret, Failure> {
    let wrong = |cause: String| {
        Failure::new(Kind::Settings, format!("read the broker's bearer from {}: {cause}", path.display()))
            .hint("name the file that holds the bearer with GITHUB_APP_BROKER_TOKEN_FILE or --broker-token-file")
    };
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?);
    Secret::of_bearer(&text).ok_or_else(|| wrong(format!("it does not hold {NOT_ONE_LINE}")))
}

fn of_command(line: &Secret, client: &Client) -> Result<Secret, Failure> {
    let output = shell_command::run("broker token command", line.expose(), b"", client.deadline)?;
    let bearer = std::str::from_utf8(&output).ok().and_then(Secret::of_bearer);
    bearer.ok_or_else(|| {
        Failure::new(Kind::Settings, format!("the broker token command did not print {NOT_ONE_LINE}"))
            .hint("it must print the bearer and nothing else: run it by hand to see its output")
    })
}
