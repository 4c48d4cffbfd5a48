//! docs/troubleshooting.md has the words that people see: git, gh and GitHub are brought to say them, and the
//! helper's are looked up in its source.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::world::World;
use crate::support::connect_proxy::ConnectProxy;
use crate::support::gh::ghs;
use crate::support::git::gits;
use crate::support::http_server::Response;
use crate::support::process::Output;
use crate::support::sandbox::files_below;

const PAGE: &str = include_str!("../../docs/troubleshooting.md");
const CLONE: &str = "git clone -q https://github.com/OWNER/REPO";
const PUSH: &str = "cd REPO && git -c user.name=x -c user.email=x commit -q --allow-empty -m x && git push -q origin HEAD:main";

/// What git says to whom: one of these, whatever its version and TLS library.
type Case = (&'static [&'static str], fn(&World) -> String);

const GIT: &[Case] = &[
    (&["Could not read from remote repository"], |_| {
        "GIT_SSH_COMMAND='exit 255; :' git clone -q git@github.com:OWNER/REPO".to_owned()
    }),
    (&["SSL certificate problem", "server certificate verification failed"], |world| {
        let other = crate::support::tls::TestCa::new();
        let file = world.sandbox.write("other-ca.pem", other.ca_pem());
        format!("GIT_SSL_CAINFO='{}' {CLONE}", file.display())
    }),
    (&["CONNECT tunnel failed, response 407", "Received HTTP code 407 from proxy"], |_| {
        let proxy = ConnectProxy::guarded(1, "Basic x");
        let line = format!("HTTPS_PROXY={} {CLONE}", proxy.url());
        // It has to be there when the line runs.
        std::mem::forget(proxy);
        line
    }),
    (&["git: 'credential-github-app' is not a git command"], |_| {
        format!(
            "rm /usr/local/bin/git-credential-github-app && git config --global --replace-all credential.https://github.com.helper github-app && {CLONE}"
        )
    }),
    (&["could not read Username for 'https://github.com…': terminal prompts disabled"], |_| {
        format!("git config --global --unset-all credential.https://github.com.helper && {CLONE}")
    }),
    (&["could not read Username for 'https://github.com…': terminal prompts disabled"], |_| {
        "git clone -q https://github.com/STRANGER/REPO".to_owned()
    }),
    (&["could not read Password for 'https://me@github.com"], |_| {
        "git clone -q https://me@github.com/OWNER/REPO".to_owned()
    }),
    (&["credential helper '…' told us to quit"], |_| format!("echo no key > keys/my-app.pem && {CLONE}")),
    (&["Authentication failed for"], |_| "git clone -q https://x:y@github.com/OWNER/REPO".to_owned()),
    (&["Invalid username or token"], |_| {
        "git clone -q https://x-access-token:ghs_dead@github.com/OWNER/REPO".to_owned()
    }),
    (&["invalid credentials"], |_| {
        format!("git config --global http.extraHeader 'Authorization: Basic eDp5' && {CLONE}")
    }),
    (&["Repository not found"], |_| {
        "GITHUB_APP_VERIFY=false git clone -q https://github.com/OWNER/NONE".to_owned()
    }),
    (&["Write access to repository not granted"], |world| {
        world.github.grant(7, &[("contents", "read"), ("metadata", "read")]);
        format!("{CLONE} && {PUSH}")
    }),
    (&["has an IP allow list enabled"], |world| {
        let text = "Although you appear to have the correct authorization credentials, the `OWNER` organization has \
                    an IP allow list enabled, and your IP address is not permitted to access this resource.";
        world.github.script_mint(vec![Response::json(403, json!({ "message": text }))]);
        CLONE.to_owned()
    }),
];

const GH: &[(&str, &str)] = &[
    (
        "The value of the GH_TOKEN environment variable is being used for authentication",
        "echo x | GH_TOKEN=x gh auth login --with-token",
    ),
    ("Bad credentials", "GH_TOKEN=x gh api repos/OWNER/REPO"),
    ("To get started with GitHub CLI, please run:", "gh api repos/OWNER/REPO"),
];

/// What nothing on this machine says, and why.
const NOT_SEEN: [(&str, &str); 8] = [
    ("Permission denied (publickey)", "ssh's own words"),
    ("Host key verification failed", "ssh's own words"),
    ("No such device or address", "a machine without a terminal"),
    ("Username for 'https://github.com…'", "a machine with one"),
    ("denied to APP[bot]", "GitHub's words beside those above"),
    ("refusing to allow a GitHub App to create or update workflow", "GitHub looks into what is pushed"),
    ("has enabled or enforced SAML SSO", "a person's token"),
    ("Resource protected by organization SAML enforcement", "a person's token"),
];

/// The quoted words in the first column of a table, by its heading.
fn messages(heading: &str) -> Vec<&'static str> {
    let table = PAGE.split(&format!("\n| {heading} |")).nth(1).expect("a table");
    let rows = table.split("\n\n").next().unwrap_or_default().lines().skip(2);
    rows.filter_map(|row| row.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect()
}

fn is_in(message: &str, text: &str) -> bool {
    let mut rest = text;
    message.split('…').all(|part| {
        rest.split_once(part).is_some_and(|(_, after)| {
            rest = after;
            true
        })
    })
}

#[track_caller]
fn says(output: &Output, messages: &[&str]) {
    assert_ne!(output.status, 0, "{messages:?}");
    assert!(
        messages.iter().any(|message| is_in(message, &output.stderr)),
        "{messages:?} in\n{}",
        output.stderr
    );
}

#[test]
fn each_git_says_what_the_page_explains() {
    for git in gits() {
        for (messages, prepare) in GIT {
            let world = World::configured("OWNER", &["REPO"]).with_helper();
            let lines = prepare(&world);
            says(&world.sh(&lines).env("PATH", world.path_with(&git)).run(), messages);
        }
    }
}

#[test]
fn each_gh_says_what_the_page_explains() {
    for gh in ghs() {
        for (message, lines) in GH {
            let world = World::configured("OWNER", &["REPO"]);
            world.put_on_path(gh.path.parent().expect("a directory").to_owned());
            says(&world.sh(lines).run(), &[message]);
        }
    }
}

#[test]
fn the_page_explains_no_message_of_others_that_is_not_tried() {
    let tried =
        GIT.iter().flat_map(|(messages, _)| messages.iter()).chain(GH.iter().map(|(message, _)| message));
    let known: Vec<&str> = tried.chain(NOT_SEEN.iter().map(|(message, _why)| message)).copied().collect();
    let explained = messages("message");
    for message in &explained {
        assert!(known.contains(message), "nothing here says {message:?}");
    }
    for message in known {
        assert!(explained.contains(&message), "the page does not explain {message:?}");
    }
}

#[test]
fn the_page_quotes_the_helper_as_it_speaks() {
    let sources = files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let text: String = sources.iter().map(|file| fs::read_to_string(file).expect("text")).collect();
    // A text that goes on in the next line of the source is one text.
    let text: String = text
        .split("\\\n")
        .enumerate()
        .map(|(index, part)| if index == 0 { part } else { part.trim_start() })
        .collect();
    let quoted = messages("the helper says");
    assert!(quoted.len() > 8, "{quoted:?}");
    for message in quoted.into_iter().filter(|message| message.contains(' ')) {
        // Names and numbers are filled in, and what comes before a colon is added on the way.
        let fixed = message.split(|c: char| c == '…' || c.is_ascii_uppercase() || c.is_ascii_digit());
        let longest = fixed.map(|part| part.trim_matches([' ', ':'])).max_by_key(|part| part.len());
        let longest = longest.expect("words");
        assert!(text.contains(longest), "nothing says {longest:?} of {message:?}");
    }
}
