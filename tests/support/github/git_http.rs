//! Git's smart HTTP: GitHub's rules for who may do what, then `git http-backend` as CGI.
//! <https://git-scm.com/docs/git-http-backend>

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::answers::page_not_found;
use super::lfs;
use super::repos::{http_backend, neutral};
use super::state::{Repository, Standing, State, includes};
use crate::support::http_server::{Request, Response, lock};

/// What is asked of which repository.
pub struct Target {
    pub repository: Option<Repository>,
    /// The path below the repository.
    pub rest: String,
    pub write: bool,
}

/// Answers any request that is not REST.
pub fn answer(state: &State, request: &Request) -> Response {
    let Some(target) = parse(state, request) else { return page_not_found() };
    let public = target.repository.as_ref().is_some_and(|repository| repository.public);
    let Some(authorization) = request.header("authorization") else {
        let open = public && !target.write;
        return if open { backend(state, request, &target) } else { unauthorized("No anonymous access.") };
    };
    let Some(token) = basic_token(authorization) else {
        return unauthorized("invalid credentials");
    };
    if let Some(refusal) = lock(&state.inner).git_refusal.clone() {
        return refusal;
    }
    match state.standing(&token, request.now) {
        Standing::Dead => unauthorized(
            "Invalid username or token. Password authentication is not supported for Git operations.",
        ),
        Standing::NotYetKnown => no_repository(),
        Standing::Suspended => Response::text(403, "This installation has been suspended"),
        Standing::Live(token) => {
            let contents = token.permissions.get("contents");
            let repository = target.repository.as_ref();
            let reached = repository.is_some_and(|wanted| {
                state.reach(&token).iter().any(|repository| repository.id == wanted.id)
            });
            let may = |level| reached && includes(contents, level);
            if !(public || may("read")) {
                no_repository()
            } else if target.write && !may("write") {
                Response::text(403, "Write access to repository not granted.")
            } else {
                backend(state, request, &target)
            }
        }
    }
}

fn unauthorized(text: &str) -> Response {
    Response::text(401, text).with_header("WWW-Authenticate", "Basic realm=\"GitHub\"")
}

/// GitHub does not tell what exists from what may not be seen.
fn no_repository() -> Response {
    Response::text(404, "Repository not found.")
}

/// User names that clients send with a token: the one that GitHub documents, and placeholders in URLs.
const USERS: [&str; 5] = ["x-access-token", "git", "oauth2", "x-oauth-basic", "token"];

/// The password of Basic authentication, if the user is none of a person's.
fn basic_token(authorization: &str) -> Option<String> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, token) = text.split_once(':')?;
    USERS.iter().any(|known| user.eq_ignore_ascii_case(known)).then(|| token.to_owned())
}

fn parse(state: &State, request: &Request) -> Option<Target> {
    let mut segments = request.path.trim_start_matches('/').splitn(3, '/');
    let (owner, name, rest) = (segments.next()?, segments.next()?, segments.next()?);
    let name = name.strip_suffix(".git").unwrap_or(name);
    let service = match (request.method.as_str(), rest) {
        ("GET", "info/refs") => request.query_values("service").first()?.clone(),
        (method, _) => format!("{method} {rest}"),
    };
    let write = match service.as_str() {
        "git-upload-pack" | "POST git-upload-pack" => false,
        "git-receive-pack" | "POST git-receive-pack" => true,
        _ => lfs::is_write(request, rest)?,
    };
    // Old names work for git as if they were new:
    // https://docs.github.com/repositories/creating-and-managing-repositories/renaming-a-repository
    let repository = state.repository(owner, name).or_else(|| state.moved_repository(owner, name));
    Some(Target { repository, rest: rest.to_owned(), write })
}

/// Runs the CGI program.
fn backend(state: &State, request: &Request, target: &Target) -> Response {
    let Some(repository) = &target.repository else { return no_repository() };
    if target.rest.starts_with("info/lfs/") {
        return lfs::answer(state, request, target);
    }
    let path = format!("/{}/{}.git/{}", repository.owner, repository.name, target.rest);
    let mut command = Command::new(http_backend());
    neutral(&mut command, state.root());
    command.env("GIT_PROJECT_ROOT", state.root()).envs([
        ("GIT_HTTP_EXPORT_ALL", "1"),
        ("PATH_INFO", path.as_str()),
        ("QUERY_STRING", request.query.as_str()),
        ("REQUEST_METHOD", request.method.as_str()),
        ("REMOTE_USER", "x-access-token"),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("CONTENT_TYPE", request.header("content-type").unwrap_or_default()),
        ("CONTENT_LENGTH", &request.body.len().to_string()),
    ]);
    if let Some(encoding) = request.header("content-encoding") {
        command.env("HTTP_CONTENT_ENCODING", encoding);
    }
    if let Some(protocol) = request.header("git-protocol") {
        command.env("GIT_PROTOCOL", protocol);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("git http-backend");
    let mut input = child.stdin.take().expect("a pipe");
    let body = request.body.clone();
    // Beside the reading, as both pipes can be full. A program that has seen enough may close early.
    let feeder = std::thread::spawn(move || drop(input.write_all(&body)));
    let output = child.wait_with_output().expect("a child of ours");
    drop(feeder.join());
    cgi_response(&output.stdout).unwrap_or_else(|| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        panic!("git http-backend said no headers ({}): {stderr}", output.status)
    })
}

/// Turns CGI output into a response. <https://www.rfc-editor.org/rfc/rfc3875#section-6>
fn cgi_response(output: &[u8]) -> Option<Response> {
    let mut response = Response::empty(200);
    let mut rest = output;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = std::str::from_utf8(&rest[..end]).ok()?.trim_end_matches('\r');
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("status") {
            response.status = value.trim().split(' ').next()?.parse().ok()?;
        } else {
            response = response.with_header(name, value.trim());
        }
    }
    response.body = rest.to_vec();
    Some(response)
}
