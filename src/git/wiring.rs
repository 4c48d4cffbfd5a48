//! What git's configuration means for one host: which helpers are asked in which order, and what else decides whether
//! our token arrives. Pure.
//!
//! Rules: helpers collect in file order over all matching sections, not by how specific they are, and an empty one
//! clears what was collected so far (gitcredentials(7)).

use super::Entry;

/// A configured helper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    /// As configured.
    pub command: String,
    /// The file it stands in.
    pub origin: String,
}

/// What the configuration means for a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wiring {
    /// The helpers that git asks, in its order.
    pub helpers: Vec<Helper>,
    /// Where a reset line stands that comes after our helper and takes it out.
    pub reset_after_us: Option<String>,
    /// Whether git sends the repository's path.
    pub use_http_path: bool,
    /// Where a header stands that beats every credential.
    pub extra_headers: Vec<String>,
    /// The host's URL is rewritten to this, where git does not speak https.
    pub rewritten: Option<String>,
}

impl Helper {
    /// Whether it is this program, by name, path or snippet.
    pub fn is_ours(&self) -> bool {
        let command = self.command.trim();
        if let Some(snippet) = command.strip_prefix('!') {
            return snippet.contains("git-credential-github-app");
        }
        let word = first_word(command);
        word == "github-app" || word.rsplit('/').next() == Some("git-credential-github-app")
    }

    /// What messages call it: the first word alone, as what follows may hold a secret.
    pub fn name(&self) -> String {
        first_word(self.command.trim())
    }

    /// Whether it is what `gh auth setup-git` writes.
    pub fn is_gh(&self) -> bool {
        self.command.contains("auth git-credential")
    }
}

impl Wiring {
    /// Reads it for a host's URL, and for one repository where given as `owner/repository`.
    pub fn of(entries: &[Entry], host_url: &str, repository: Option<&str>) -> Self {
        let mut wiring = Self::default();
        let mut had_us = false;
        for Entry { key, value, origin } in entries {
            let applies = |section: &str, variable: &str| {
                subsection(key, section, variable).is_some_and(|url| matches(url, host_url, repository))
            };
            if applies("credential", "helper") {
                if value.is_empty() {
                    if wiring.ours().is_some() {
                        wiring.reset_after_us = Some(origin.clone());
                    }
                    wiring.helpers.clear();
                } else {
                    wiring.helpers.push(Helper { command: value.clone(), origin: origin.clone() });
                    had_us |= wiring.ours().is_some();
                }
            } else if applies("credential", "usehttppath") {
                wiring.use_http_path = is_true(value);
            } else if applies("http", "extraheader") {
                if value.is_empty() {
                    wiring.extra_headers.clear();
                } else if value.to_ascii_lowercase().trim_start().starts_with("authorization:") {
                    wiring.extra_headers.push(origin.clone());
                }
            } else if let Some(target) = rewrite(key, value, host_url) {
                wiring.rewritten = Some(target);
            }
        }
        if !had_us || wiring.ours().is_some() {
            wiring.reset_after_us = None;
        }
        wiring
    }

    /// Our place among the helpers.
    pub fn ours(&self) -> Option<usize> {
        self.helpers.iter().position(Helper::is_ours)
    }
}

/// The subsection of a key of this section and variable; empty where it has none.
fn subsection<'a>(key: &'a str, section: &str, variable: &str) -> Option<&'a str> {
    let rest = key.strip_prefix(section)?.strip_prefix('.')?;
    let url = rest.strip_suffix(variable)?;
    if url.is_empty() { Some("") } else { url.strip_suffix('.') }
}

/// Whether a pattern such as `https://*.example.com/org` covers the host, and the repository where one is given. A
/// pattern with a path covers part of the host only, so without a repository it does not count.
fn matches(pattern: &str, host_url: &str, repository: Option<&str>) -> bool {
    if pattern.is_empty() {
        return true;
    }
    let (scheme, rest) = pattern.split_once("://").unwrap_or(("", pattern.trim_start_matches("//")));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let Some((our_scheme, our_host)) = host_url.split_once("://") else { return false };
    let path = path.trim_end_matches('/');
    let covers_path = path.is_empty()
        || repository.is_some_and(|repository| {
            let rest = repository.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
        });
    let same_scheme = scheme.is_empty() || scheme == our_scheme;
    same_scheme && (host.is_empty() || same_host(host, our_host, our_scheme)) && covers_path
}

/// Host patterns compare label by label, `*` standing for one; the scheme's own port is none.
fn same_host(pattern: &str, host: &str, scheme: &str) -> bool {
    let own_port = if scheme == "https" { ":443" } else { ":80" };
    let pattern = pattern.to_ascii_lowercase();
    let pattern = pattern.strip_suffix(own_port).unwrap_or(&pattern);
    let (pattern, host): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), host.split('.').collect());
    pattern.len() == host.len() && pattern.iter().zip(&host).all(|(p, h)| *p == "*" || p == h)
}

/// What `url.TARGET.insteadOf = PREFIX` makes of the host's URLs, if that is no longer https.
fn rewrite(key: &str, value: &str, host_url: &str) -> Option<String> {
    let target = subsection(key, "url", "insteadof").or_else(|| subsection(key, "url", "pushinsteadof"))?;
    let ours = format!("{host_url}/");
    let covers = !value.is_empty() && (ours.starts_with(value) || value.starts_with(&ours));
    (covers && !target.starts_with("https://") && !target.starts_with(host_url)).then(|| target.to_owned())
}

fn is_true(value: &str) -> bool {
    // A key without `=` is true as well, and git has written it to us without a value.
    matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1" | "")
}

/// The first word of a command line as the shell reads it, where nothing but backslashes escapes.
fn first_word(command: &str) -> String {
    let mut word = String::new();
    let mut characters = command.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => word.extend(characters.next()),
            c if c.is_whitespace() => break,
            '"' | '\'' => {}
            c => word.push(c),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "https://github.com";

    fn entries(lines: &[(&str, &str)]) -> Vec<Entry> {
        let entry = |(index, (key, value)): (usize, &(&str, &str))| Entry {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            origin: format!("/{index}"),
        };
        lines.iter().enumerate().map(entry).collect()
    }

    fn helpers(lines: &[(&str, &str)]) -> Vec<String> {
        let wiring = Wiring::of(&entries(lines), HOST, None);
        wiring.helpers.into_iter().map(|helper| helper.command).collect()
    }

    #[test]
    fn helpers_collect_in_file_order_and_an_empty_one_clears() {
        let url = "credential.https://github.com.helper";
        for (lines, asked) in [
            (&[("credential.helper", "store"), (url, "github-app")][..], &["store", "github-app"][..]),
            (&[("credential.helper", "store"), (url, ""), (url, "github-app")], &["github-app"]),
            (&[(url, "github-app"), ("credential.helper", "cache")], &["github-app", "cache"]),
            (&[(url, "github-app"), ("credential.helper", "")], &[]),
            (&[("credential.https://gitlab.com.helper", "x"), (url, "github-app")], &["github-app"]),
            (&[("credential.https://*.com.helper", "x")], &["x"]),
            (&[("credential.https://github.com:443.helper", "x")], &["x"]),
            (&[("credential.https://me@GitHub.com/.helper", "x")], &["x"]),
            (&[("credential.http://github.com.helper", "x")], &[]),
            (&[("credential.https://github.com/org.helper", "x")], &[]),
        ] {
            assert_eq!(helpers(lines), asked, "{lines:?}");
        }
        let of_org = entries(&[("credential.https://github.com/org.helper", "x")]);
        for (repository, count) in [("org/r", 1), ("org.git", 1), ("organic/r", 0), ("other/r", 0)] {
            assert_eq!(Wiring::of(&of_org, HOST, Some(repository)).helpers.len(), count, "{repository}");
        }
    }

    #[test]
    fn a_reset_after_us_is_found_unless_we_come_again() {
        let url = "credential.https://github.com.helper";
        let lost = Wiring::of(&entries(&[(url, "github-app"), ("credential.helper", "")]), HOST, None);
        assert_eq!((lost.ours(), lost.reset_after_us.as_deref()), (None, Some("/1")));
        let again = [(url, "github-app"), (url, ""), (url, "github-app")];
        assert_eq!(Wiring::of(&entries(&again), HOST, None).reset_after_us, None);
    }

    #[test]
    fn our_helper_is_known_by_name_path_and_snippet() {
        for (command, ours) in [
            ("github-app", true),
            ("github-app --config /x", true),
            ("/usr/local/bin/git-credential-github-app", true),
            ("/opt/my\\ tools/git-credential-github-app --owner x", true),
            ("!git-credential-github-app", true),
            ("!/x/git-credential-github-app get", true),
            ("github-app-auth", false),
            ("store", false),
            ("/usr/bin/not-git-credential-github-app-x", false),
        ] {
            let helper = Helper { command: command.into(), origin: String::new() };
            assert_eq!(helper.is_ours(), ours, "{command}");
        }
        let snippet = Helper { command: "!f() { echo password=hunter2; }; f".into(), origin: String::new() };
        assert_eq!(snippet.name(), "!f()");
        let gh = Helper { command: "!/usr/bin/gh auth git-credential".into(), origin: String::new() };
        assert!(gh.is_gh() && !gh.is_ours());
    }

    #[test]
    fn what_keeps_a_token_from_arriving_is_seen() {
        let wiring = Wiring::of(
            &entries(&[
                ("credential.https://github.com.usehttppath", "true"),
                ("http.https://github.com/.extraheader", "AUTHORIZATION: basic eA=="),
                ("http.extraheader", "X-Trace: 1"),
                ("url.git@github.com:.insteadof", "https://github.com/"),
            ]),
            HOST,
            None,
        );
        assert!(wiring.use_http_path);
        assert_eq!(wiring.extra_headers, ["/1"]);
        assert_eq!(wiring.rewritten.as_deref(), Some("git@github.com:"));
        let harmless = Wiring::of(
            &entries(&[
                ("credential.usehttppath", "false"),
                ("http.extraheader", "Authorization: x"),
                ("http.extraheader", ""),
                ("url.https://github.com/.insteadof", "git@github.com:"),
                ("url.git@gitlab.com:.insteadof", "https://gitlab.com/"),
            ]),
            HOST,
            None,
        );
        assert_eq!(harmless, Wiring::default());
    }
}
