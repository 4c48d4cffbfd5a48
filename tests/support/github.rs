//! A GitHub on loopback: REST under `/api/v3` as Enterprise Server has it, and git over HTTP beside it.
//! It is as strict as GitHub about headers, App JWTs, scopes and schemes, so that a wrong request fails
//! here too; tokens can be killed, kept back and scripted to fail.

mod answers;
mod git_http;
mod jwt;
mod lfs;
mod mint;
mod repos;
mod rest;
mod state;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::http_server::{HttpServer, Recorded, Request, Response, lock};
use super::keys;
use super::tls::TestCa;
use super::tokens::random_text;

pub use mint::{Minted, Narrowing};
pub(super) use state::State;

/// The client ID of the App that `Options::default` registers.
pub const CLIENT_ID: &str = "Iv23liTestApp";
/// The App ID of the same App.
pub const APP_ID: u64 = 12345;
/// The App's slug; its bot is `test-app[bot]`.
pub const SLUG: &str = "test-app";
/// The user id of the bot.
pub const BOT_USER_ID: u64 = 987_654;

/// What the loopback GitHub is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Accepted as `iss`, as JSON strings.
    pub issuers: Vec<String>,
    /// The App's public key as PKCS#1 DER.
    pub public_key: Vec<u8>,
    /// What installations grant.
    pub permissions: Vec<(String, String)>,
    /// 40 characters, as on Enterprise Server, and not 520.
    pub classic_tokens: bool,
}

impl Default for Options {
    fn default() -> Self {
        let granted =
            [("contents", "write"), ("issues", "read"), ("metadata", "read"), ("pull_requests", "write")];
        Self {
            issuers: vec![CLIENT_ID.to_owned(), APP_ID.to_string()],
            public_key: keys::public_key_pkcs1_der(),
            permissions: granted.map(|(name, level)| (name.to_owned(), level.to_owned())).to_vec(),
            classic_tokens: false,
        }
    }
}

/// A running GitHub; its repositories are gone when it is dropped.
pub struct LoopbackGitHub {
    server: HttpServer,
    state: Arc<State>,
}

/// Enterprise Server has the API below `/api/`, github.com and data residency on a host of its own.
fn is_api(host: Option<&str>, target: &str) -> bool {
    target.starts_with("/api/") || host.is_some_and(|host| host.starts_with("api."))
}

fn is_recorded_api(seen: &Recorded) -> bool {
    is_api(seen.header("host"), &seen.target)
}

fn serve(state: &State, request: &Request) -> Response {
    let response = if is_api(request.header("host"), &request.path) {
        rest::answer(state, request)
    } else {
        git_http::answer(state, request).with_header("Server", "GitHub-Babel/3.0")
    };
    response.with_header("X-GitHub-Request-Id", random_text(24))
}

impl LoopbackGitHub {
    /// Serves plain HTTP.
    pub fn start(options: Options) -> Self {
        let state = Arc::new(State::new(options));
        let shared = Arc::clone(&state);
        Self { server: HttpServer::start(move |request| serve(&shared, request)), state }
    }

    /// Serves plain HTTP on the IPv6 loopback address.
    pub fn start_ipv6(options: Options) -> Self {
        let state = Arc::new(State::new(options));
        let shared = Arc::clone(&state);
        Self { server: HttpServer::start_ipv6(move |request| serve(&shared, request)), state }
    }

    /// Serves HTTPS with a certificate of this CA.
    pub fn start_tls(ca: &TestCa, options: Options) -> Self {
        let state = Arc::new(State::new(options));
        let shared = Arc::clone(&state);
        Self { server: HttpServer::start_tls(ca, move |request| serve(&shared, request)), state }
    }

    /// The git host's URL, as `GITHUB_APP_HOST` takes it.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The git host with its port, as git writes it into `host=`.
    pub fn host(&self) -> String {
        self.server.authority()
    }

    /// The REST base.
    pub fn api_url(&self) -> String {
        format!("{}/api/v3", self.server.url())
    }

    /// The URL to clone from.
    pub fn clone_url(&self, owner: &str, name: &str) -> String {
        format!("{}/{owner}/{name}.git", self.server.url())
    }

    /// The server below: its clock, port and connections.
    pub fn server(&self) -> &HttpServer {
        &self.server
    }

    /// Installs the App on an owner, for all repositories.
    pub fn add_installation(&self, id: u64, owner: &str) {
        self.state.add_installation(id, owner);
    }

    /// Installs the App on an enterprise, which has no repositories.
    pub fn add_enterprise_installation(&self, id: u64, slug: &str) {
        self.state.add_installation(id, slug);
        self.state.change_installation(id, |installation| installation.enterprise = true);
    }

    /// Changes what an installation grants.
    pub fn grant(&self, id: u64, permissions: &[(&str, &str)]) {
        let granted = permissions.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned()));
        self.state.change_installation(id, |installation| installation.permissions = granted.collect());
    }

    /// Renames a repository, gives it to another owner, or both; the old name redirects.
    pub fn move_repository(&self, from: (&str, &str), to: (&str, &str)) {
        self.state.move_repository(from, to);
    }

    /// Uninstalls the App.
    pub fn remove_installation(&self, id: u64) {
        lock(&self.state.inner).installations.retain(|installation| installation.id != id);
    }

    /// Suspends an installation, or ends that.
    pub fn suspend(&self, id: u64, suspended: bool) {
        self.state.change_installation(id, |installation| installation.suspended = suspended);
    }

    /// Limits an installation to selected repositories.
    pub fn select_repositories(&self, id: u64, names: &[&str]) {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        self.state.change_installation(id, |installation| installation.selected = Some(names));
    }

    /// Creates an empty private repository with the default branch `main`.
    pub fn create_repository(&self, owner: &str, name: &str) {
        self.state.create_repository(owner, name);
    }

    /// Lets anybody read a repository.
    pub fn make_public(&self, owner: &str, name: &str) {
        self.state.make_public(owner, name);
    }

    /// Where a bare repository lies.
    pub fn repo_dir(&self, owner: &str, name: &str) -> PathBuf {
        self.state.repo_dir(owner, name)
    }

    /// Commits one file to `main` past all protocols; returns the commit's id.
    pub fn commit_file(&self, owner: &str, name: &str, path: &str, content: &[u8]) -> String {
        repos::commit_file(&self.state.repo_dir(owner, name), path, content)
    }

    /// The commit at the head of `main`, if there is one.
    pub fn head(&self, owner: &str, name: &str) -> Option<String> {
        repos::head(&self.state.repo_dir(owner, name))
    }

    /// Answers the next mints with these, in order, before any check; then things are normal again.
    pub fn script_mint(&self, responses: Vec<Response>) {
        lock(&self.state.inner).scripted_mints.extend(responses);
    }

    /// Ends what `script_mint` began.
    pub fn clear_scripted_mints(&self) {
        lock(&self.state.inner).scripted_mints.clear();
    }

    /// Answers the next revocations with these; then things are normal again.
    pub fn script_revocations(&self, responses: Vec<Response>) {
        lock(&self.state.inner).scripted_revocations.extend(responses);
    }

    /// Changes what is said in the answers to mints.
    pub fn alter_mints(&self, alter: fn(&mut serde_json::Value)) {
        lock(&self.state.inner).altered = Some(alter);
    }

    /// Answers the next calls of gh's for the API's root with these; then things are normal again.
    pub fn script_root(&self, responses: Vec<Response>) {
        lock(&self.state.inner).scripted_roots = responses.into();
    }

    /// Lets the git host refuse every token with this answer.
    pub fn refuse_git(&self, response: Response) {
        lock(&self.state.inner).git_refusal = Some(response);
    }

    /// Sets how long new tokens live.
    pub fn set_token_life(&self, seconds: i64) {
        lock(&self.state.inner).token_life = seconds;
    }

    /// Revokes every token minted so far.
    pub fn kill_tokens(&self) {
        lock(&self.state.inner).tokens.values_mut().for_each(|token| token.dead = true);
    }

    /// Keeps each token minted from now on unknown (git: 404, REST: 401) for this time after its mint.
    pub fn deny_new_tokens_for(&self, time: Duration) {
        lock(&self.state.inner).deny_for = time;
    }

    /// Refuses the first uses of each token minted from now on (git: 404, REST: 401).
    pub fn deny_first_uses(&self, uses: usize) {
        lock(&self.state.inner).deny_uses = uses;
    }

    /// Mints past REST, as a broker with the App key would.
    pub fn mint(&self, installation: u64) -> Minted {
        let minted = self.state.mint(installation, &Narrowing::default(), self.server.now());
        minted.unwrap_or_else(|refusal| panic!("mint for installation {installation}: {refusal:?}"))
    }

    /// How many tokens were minted.
    pub fn mints(&self) -> usize {
        lock(&self.state.inner).tokens.len()
    }

    /// How often a mint was asked for, whatever the answer.
    pub fn mint_requests(&self) -> usize {
        let api = self.api_requests();
        api.iter().filter(|seen| seen.method == "POST" && seen.target.ends_with("/access_tokens")).count()
    }

    /// Every request below `/api/`.
    pub fn api_requests(&self) -> Vec<Recorded> {
        self.server.requests().into_iter().filter(is_recorded_api).collect()
    }

    /// Every other request.
    pub fn git_requests(&self) -> Vec<Recorded> {
        self.server.requests().into_iter().filter(|seen| !is_recorded_api(seen)).collect()
    }

    /// All tokens ever minted, in no order.
    pub fn minted_tokens(&self) -> Vec<String> {
        lock(&self.state.inner).tokens.keys().cloned().collect()
    }

    /// The tokens that are neither revoked nor expired, in no order.
    pub fn live_tokens(&self) -> Vec<String> {
        let now = self.server.now();
        let inner = lock(&self.state.inner);
        let live = inner.tokens.iter().filter(|(_, token)| !token.dead && token.expires_at > now);
        live.map(|(text, _)| text.clone()).collect()
    }

    pub(super) fn shared_state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }
}
