//! `serve check-trust`: checks a trust file as the broker does when it starts, and says which rule given claims match.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::broker::read_trust;
use crate::broker::trust::claims::Claims;
use crate::broker::trust::explain::explain;
use crate::commands::print_text;
use crate::report::Report;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::secret::{self, Looks};

/// Options of `serve check-trust`
#[derive(Debug, Args)]
pub struct CheckTrustArgs {
    /// The trust file
    pub file: PathBuf,
    /// Show what these claims (JSON) would get; - is stdin
    #[arg(long, value_name = "FILE")]
    pub claims: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &CheckTrustArgs, report: Report) -> Result<()> {
    let rules = read_trust(&arguments.file)?;
    for warning in &rules.warnings {
        report.warn(warning);
    }
    let summary = format!("{}: {}\n", arguments.file.display(), rules.in_words());
    let Some(path) = &arguments.claims else { return print_text(&summary) };
    let (text, identity) = explain(&rules, &claims(path)?);
    print_text(&format!("{summary}{text}"))?;
    match identity {
        Some(_) => Ok(()),
        None => Err(Failure::new(Kind::Refused, "a token with these claims would get nothing")
            .hint("the lines above say what each rule requires")
            .into()),
    }
}

fn claims(path: &Path) -> Result<Claims, Failure> {
    let wrong = |cause: String| Failure::new(Kind::Usage, format!("claims {}: {cause}", path.display()));
    let text = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    let text = text.map_err(|error| wrong(error.to_string()))?;
    if secret::looks_like(&text) == Some(Looks::Jwt) {
        return Err(wrong("this is a token, not its claims".to_owned())
            .hint("its claims are the second of its three parts, in base64url: decode that"));
    }
    serde_json::from_str(&text).map_err(|_| {
        wrong("this is not a JSON object".to_owned())
            .hint("write the claims as in {\"iss\": \"…\", \"aud\": \"…\"}")
    })
}
