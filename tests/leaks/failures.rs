//! Servers that fail and send back what they were sent, and keys that cannot be used: no message tells a secret.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::hunt::Hunt;
use super::world::{Input, Source, World, search};
use crate::common::from_now;
use crate::support::at_once::at_once;
use crate::support::github::CLIENT_ID;
use crate::support::http_server::{HttpServer, Request, Response, lock};
use crate::support::keys::{app_key_pem, pkcs8_pem};
use crate::support::sandbox::Sandbox;
use crate::support::tokens::{random_text, stateless_token};

/// What a server answers, given what it was sent in `Authorization` and a token.
type Fault = fn(&str, &str) -> Response;

/// Name and fault.
const FAULTS: [(&str, Fault); 15] = [
    ("401 that quotes the bearer", |sent, _| Response::json(401, json!({ "message": sent, "error": sent }))),
    ("403 that quotes both in a sentence", |sent, token| {
        Response::json(403, json!({ "message": format!("{sent}, not ({token})"), "error": token }))
    }),
    ("404 with a page that holds both", |sent, token| Response::text(404, &format!("{sent} {token}"))),
    ("422 that quotes the bearer in base64", |sent, _| {
        use base64::Engine as _;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("x-access-token:{sent}"));
        Response::json(422, json!({ "message": format!("Basic {basic}"), "errors": [basic] }))
    }),
    ("429 with a message", |sent, token| Response::json(429, json!({ "message": token, "error": sent }))),
    ("500 that holds the token", |_, token| Response::text(500, token)),
    ("503 with headers", |sent, token| {
        Response::json(503, json!({ "message": token, "error": token }))
            .with_header("Retry-After", token)
            .with_header("X-GitHub-Request-Id", sent)
    }),
    ("501 with a message", |sent, _| Response::json(501, json!({ "message": sent, "error": sent }))),
    ("JSON that is cut short", |_, token| {
        let body = format!("{{\"token\":\"{token}\",\"expires_at\":");
        Response::bytes(200, "application/json", body.into_bytes())
    }),
    ("JSON of another form", |_, token| Response::json(201, json!([{ "token": { "value": token } }]))),
    ("a token with line ends", |_, token| {
        let token = format!("{token}\nhost=evil.example\n");
        Response::json(201, json!({ "token": token, "expires_at": from_now(3600) }))
    }),
    ("a token for a time", |_, token| Response::json(201, json!({ "token": "", "expires_at": token }))),
    ("a redirect to another host", |sent, token| {
        let place = format!("http://127.0.0.1:1/{token}?{}", sent.replace(' ', "%20"));
        Response::json(307, json!({ "message": token })).with_header("Location", place)
    }),
    ("a redirect with a password", |_, token| {
        Response::empty(302).with_header("Location", format!("http://x:{token}@127.0.0.1/"))
    }),
    ("no HTTP at all", |_, token| {
        Response::empty(200)
            .with_header(&format!("{token} \u{1}"), token)
            .with_header("Content-Length", token)
    }),
];

const COMMANDS: [(&[&str], Input); 7] = [
    (&["get"], Input::Request),
    (&["--on-failure=next", "get"], Input::RichRequest),
    (&["token", "--json"], Input::Nothing),
    (&["refresh"], Input::Nothing),
    (&["exec", "--", "true"], Input::Nothing),
    (&["status"], Input::Nothing),
    (&["doctor"], Input::Nothing),
];

/// A server that always fails in this way, and what it was sent.
fn failing(fault: Fault, token: &str) -> (HttpServer, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (noted, token) = (Arc::clone(&seen), token.to_owned());
    let server = HttpServer::start(move |request: &Request| {
        let sent = request.header("authorization").unwrap_or_default().to_owned();
        lock(&noted).push(sent.clone());
        fault(&sent, &token)
    });
    (server, seen)
}

/// Runs all commands against a server that fails; `set_up` makes it the GitHub or the broker.
fn try_all(set_up: impl Fn(&Sandbox, &str) -> Vec<(&'static str, String)> + Sync) {
    at_once(FAULTS, |(name, fault)| {
        let token = stateless_token(1);
        let (server, seen) = failing(fault, &token);
        let sandbox = Sandbox::new();
        let mut hunt = Hunt::default();
        for (kind, secret) in set_up(&sandbox, &server.url()) {
            hunt.add(kind, &secret);
        }
        hunt.add_key(app_key_pem());
        hunt.add_token(&token);
        hunt.know_files(&sandbox);
        let request = format!("protocol=http\nhost={}\npath=o/r\n", server.authority());
        for (args, input) in COMMANDS {
            let text = match input {
                Input::Request => request.clone(),
                Input::RichRequest => format!("capability[]=state\n{request}"),
                _ => String::new(),
            };
            let output = sandbox.helper(&[&["-vv", "--timeout=400ms"], args].concat()).stdin(text).run();
            for jwt in lock(&seen).iter().filter_map(|sent| sent.strip_prefix("Bearer eyJ")) {
                hunt.add_jwt(jwt);
            }
            search(&hunt, &sandbox, &format!("{args:?} after {name}"), &output, false);
        }
        assert!(!lock(&seen).is_empty(), "{name}: the server was asked");
    });
}

#[test]
fn a_github_that_fails_and_quotes_makes_no_command_leak() {
    try_all(|sandbox, url| {
        sandbox.set_env("GITHUB_APP_HOST", url);
        sandbox.set_env("GITHUB_APP_CLIENT_ID", CLIENT_ID);
        sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
        sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", sandbox.write_private("app.pem", app_key_pem()));
        Vec::new()
    });
}

#[test]
fn a_broker_that_fails_and_quotes_makes_no_command_leak() {
    try_all(|sandbox, url| {
        let bearer = random_text(40);
        sandbox.set_env("GITHUB_APP_HOST", url);
        sandbox.set_env("GITHUB_APP_BROKER_URL", url);
        sandbox.set_env("GITHUB_APP_BROKER_TOKEN", &bearer);
        vec![("bearer", bearer)]
    });
}

#[test]
fn keys_that_cannot_be_used_are_not_shown() {
    let pem = app_key_pem();
    let cut = &pem[..pem.len() / 2];
    let encrypted = pkcs8_pem().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let proc_type = pem.replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n", 1);
    let without_backslashes = pem.replace('\n', "n");
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    for (name, text) in [
        ("cut short", cut),
        ("encrypted", &encrypted),
        ("encrypted in the old way", &proc_type),
        ("with escapes that have lost their backslash", &without_backslashes),
        ("without its head", &body),
        ("called a public one", &pem.replace("RSA PRIVATE", "PUBLIC")),
        ("with a flipped letter", &pem.replacen("MII", "MIJ", 1)),
    ] {
        let passphrase = random_text(40);
        let mut world = World::new(Source::KeyFile);
        world.hunt.add("key passphrase", &passphrase);
        let file = world.sandbox.write_private("wrong.pem", text);
        world.hunt.know_files(&world.sandbox);
        let shown = file.display().to_string();
        let command = format!("PW={passphrase} cat {shown}");
        for (variable, value) in [
            ("GITHUB_APP_PRIVATE_KEY_FILE", shown.as_str()),
            ("GITHUB_APP_PRIVATE_KEY", text),
            ("GITHUB_APP_PRIVATE_KEY_COMMAND", &command),
            ("GITHUB_APP_PRIVATE_KEY_COMMAND", &format!("{command}; exit 1")),
            ("GITHUB_APP_SIGN_COMMAND", &command),
        ] {
            world.sandbox.remove_env("GITHUB_APP_PRIVATE_KEY_FILE");
            world.sandbox.set_env(variable, value);
            for (args, input) in [
                (&["get"][..], Input::Request),
                (&["token"], Input::Nothing),
                (&["status"], Input::Nothing),
                (&["doctor", "--json"], Input::Nothing),
            ] {
                world.run(args, input, false);
            }
            world.sandbox.remove_env(variable);
        }
        assert_eq!(world.github.mints(), 0, "{name}");
    }
}

#[test]
fn what_was_put_in_the_wrong_place_is_not_shown() {
    let token = stateless_token(1);
    let mut world = World::new(Source::KeyFile);
    world.hunt.add("misplaced token", &token[60..]);
    let with_token = |text: &str| text.replace("TOKEN", &token);
    for template in ["app_id = TOKEN", "TOKEN = 1", "token = \"TOKEN\"\nTOKEN", "owner = \"TOKEN/x\""] {
        let file = world.sandbox.write_private("config.toml", with_token(template));
        world.hunt.know_files(&world.sandbox);
        world.run(&["--config", &file.to_string_lossy(), "token"], Input::Nothing, true);
    }
    for option in ["--owner", "--app-id", "--margin", "--permission", "--host", "--api-url", "--broker-url"] {
        for template in ["TOKEN", "x=TOKEN", "https://x:TOKEN@127.0.0.1/"] {
            world.run(&["--timeout=200ms", option, &with_token(template), "token"], Input::Nothing, true);
        }
    }
    world.run(&["token", &token], Input::Nothing, false);
    world.run(&[&token], Input::Nothing, false);
}
