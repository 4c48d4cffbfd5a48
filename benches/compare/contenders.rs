//! The helpers that are installed here, each with a stored credential.

use std::fmt::Write as _;
use std::path::Path;

use crate::plot::bars;
use crate::rounds::{Contender, medians, on_path};
use crate::support::broker::{FakeBroker, broker_token, token_response};
use crate::support::sandbox::Sandbox;
use crate::support::tokens::rfc3339;

const ROUNDS: usize = 400;
/// As git 2.46 and later ask.
const REQUEST: &str = "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=github.com\n\
    wwwauth[]=Basic realm=\"GitHub\"\n\n";

pub struct Contenders {
    sandbox: Sandbox,
    all: Vec<Contender>,
    _broker: FakeBroker,
}

impl Contenders {
    pub fn new() -> Self {
        let expiry = rfc3339(jiff::Timestamp::now().as_second() + 3600);
        let token = broker_token();
        let answer = token.clone();
        let broker = FakeBroker::guarded("bearer", move |_| token_response(&answer, &expiry));
        let sandbox = Sandbox::new();
        sandbox.set_env("GITHUB_APP_BROKER_URL", broker.url());
        sandbox.set_env("GITHUB_APP_BROKER_TOKEN", "bearer");
        let get = sandbox.write_private("get", REQUEST);
        let credential =
            format!("protocol=https\nhost=github.com\nusername=x-access-token\npassword={token}\n\n");
        let store = sandbox.write_private("store", &credential);
        sandbox
            .write_private("home/.git-credentials", format!("https://x-access-token:{token}@github.com\n"));
        let mut all = ours(&sandbox, &get, &store);
        all.extend(theirs(&sandbox, &get, &store, &token, &credential));
        Self { sandbox, all, _broker: broker }
    }

    /// Medians: as a table, with their ratios to `true` and to git's own helper for a file, and as a plot.
    pub fn table(&self) -> (String, String) {
        let times = medians(&self.sandbox, &self.all, ROUNDS);
        let of = |name: &str| self.all.iter().position(|known| known.name == name).map(|index| times[index]);
        let base = of("`true`").expect("measured");
        let store = of("`git credential-store get`").expect("measured");
        let mut table =
            "| command | ms | × `true` | × `git credential-store get` |\n|---|---|---|---|\n".to_owned();
        for (contender, time) in self.all.iter().zip(&times) {
            let _ = writeln!(
                table,
                "| {} | {time:.2} | {:.2} | {:.2} |",
                contender.name,
                time / base,
                time / store
            );
        }
        let rows: Vec<(String, f64)> =
            self.all.iter().map(|contender| contender.name.clone()).zip(times.iter().copied()).collect();
        // Its bar would make all others look alike.
        let rows: Vec<(String, f64)> = rows.into_iter().filter(|(_, time)| time / base < 20.0).collect();
        (table, bars("A credential from the cache: median time of the whole process", "ms", &rows))
    }

    /// Peak memory, where GNU time is installed.
    pub fn memory(&self) -> String {
        let mut table = "| command | KiB at most |\n|---|---|\n".to_owned();
        for contender in self.all.iter().filter(|_| Path::new("/usr/bin/time").exists()) {
            let plain = contender.command(&self.sandbox);
            let mut timed =
                Contender::new("", "/usr/bin/time", &["-f", "%M"], &contender.stdin).command(&self.sandbox);
            timed.arg(plain.get_program()).args(plain.get_args()).envs(contender.env.iter().cloned());
            let output = timed.stderr(std::process::Stdio::piped()).output().expect("GNU time");
            let said = String::from_utf8_lossy(&output.stderr);
            let _ = writeln!(table, "| {} | {} |", contender.name, said.lines().last().unwrap_or_default());
        }
        table
    }
}

impl Drop for Contenders {
    fn drop(&mut self) {
        // Its daemon would keep running for 15 minutes.
        let _ = self.sandbox.command("git", &["credential-cache", "exit"]).run();
    }
}

/// The helper in several situations, each filled by one call of the broker.
fn ours(sandbox: &Sandbox, get: &Path, store: &Path) -> Vec<Contender> {
    let binary = sandbox.binary();
    let settings = sandbox.write_private("config.toml", "# settings\nmargin = \"5m\"\nverify = false\n");
    let (few, many) = (sandbox.path().join("few"), sandbox.path().join("many"));
    let owner = ["--owner", "octo-org", "--margin", "5m", "get"];
    let ten = sandbox.write_private("ten.toml", ten_profiles(sandbox));
    let all = vec![
        Contender::new("`true`", "true", &[], get),
        Contender::new("`get`", binary, &["get"], get).env("GITHUB_APP_CACHE_DIR", few.to_string_lossy()),
        Contender::new("`store`", binary, &["store"], store)
            .env("GITHUB_APP_CACHE_DIR", few.to_string_lossy()),
        Contender::new("`get`, with a settings file", binary, &["get"], get)
            .env("GITHUB_APP_CONFIG", settings.to_string_lossy()),
        Contender::new("`get`, with ten profiles in the settings file", binary, &["get"], get)
            .env("GITHUB_APP_CONFIG", ten.to_string_lossy())
            .env("GITHUB_APP_BROKER_URL", "")
            .env("GITHUB_APP_BROKER_TOKEN", ""),
        Contender::new("`--owner … --margin … get`", binary, &owner, get),
        Contender::new("`get`, 10,000 entries in the cache", binary, &["get"], get)
            .env("GITHUB_APP_CACHE_DIR", many.to_string_lossy()),
    ];
    for contender in all.iter().filter(|contender| contender.args.iter().any(|arg| arg == "get")) {
        assert!(contender.command(sandbox).status().expect("the helper").success());
    }
    let mut entry = std::fs::read_dir(&many).expect("a cache").filter_map(|entry| Some(entry.ok()?.path()));
    let entry = entry.find(|path| path.extension().is_some_and(|end| end == "json")).expect("an entry");
    for number in 0..10_000 {
        std::fs::copy(&entry, many.join(format!("{number:064x}.json"))).expect("room on the disk");
    }
    all
}

/// Nine hosts with an App each, and github.com with the broker.
fn ten_profiles(sandbox: &Sandbox) -> String {
    let url = sandbox.env().remove(std::ffi::OsStr::new("GITHUB_APP_BROKER_URL")).expect("a broker");
    let bearer = sandbox.write_private("bearer", "bearer");
    let mut text = "# settings\nmargin = \"5m\"\nverify = false\n".to_owned();
    for number in 0..9 {
        let _ = writeln!(
            text,
            "\n[profile.ghe{number}]\nhost = \"ghe{number}.example.com\"\napp_id = \"1234{number}\"\n\
             private_key_file = \"/home/me/keys/ghe{number}.pem\"\nowners = [\"acme\", \"acme-labs\"]"
        );
    }
    let _ = writeln!(
        text,
        "\n[profile.cloud]\nbroker_url = \"{}\"\nbroker_token_file = \"{}\"",
        url.to_string_lossy(),
        bearer.display()
    );
    text
}

fn theirs(sandbox: &Sandbox, get: &Path, store: &Path, token: &str, credential: &str) -> Vec<Contender> {
    let mut all =
        vec![Contender::new("`git credential-store get`", "git", &["credential-store", "get"], get)];
    let cached = sandbox.command("git", &["credential-cache", "store"]).stdin(credential).run();
    if cached.status == 0 {
        all.push(Contender::new("`git credential-cache get`", "git", &["credential-cache", "get"], get));
    }
    let peers = [
        ("`gh auth git-credential get`", "gh", &["auth", "git-credential", "get"][..], get),
        ("`git-credential-oauth store`", "git-credential-oauth", &["store"], store),
        ("`git-credential-github-app-auth store`", "git-credential-github-app-auth", &["store"], store),
    ];
    for (name, program, args, stdin) in peers {
        if on_path(Path::new(program)).is_some() {
            all.push(Contender::new(name, program, args, stdin).env("GH_TOKEN", token));
        }
    }
    all
}
