//! `serve`: its log and its answers tell no secret, in both forms of the log, whatever clients and GitHub send.

use rustix::process::Signal;
use serde_json::json;

use super::hunt::Hunt;
use super::world::search;
use crate::common::app_sandbox;
use crate::serve::{ADMIN, line, port};
use crate::support::http_client::{Answer, get, send};
use crate::support::http_server::Response;
use crate::support::keys::app_key_pem;
use crate::support::tokens::{random_text, stateless_token};

#[test]
fn the_broker_logs_and_answers_without_secrets() {
    for form in ["plain", "json"] {
        let (github, sandbox) = app_sandbox();
        sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
        let (bearer, wrong, planted) = (random_text(40), random_text(40), stateless_token(1));
        sandbox.write_private("bearers", line(&sandbox, "admin", &bearer, ""));
        let mut hunt = Hunt::default();
        hunt.add("bearer", &bearer);
        hunt.add("wrong bearer", &wrong);
        hunt.add_token(&planted);
        hunt.add_key(app_key_pem());
        hunt.know_files(&sandbox);
        let listen = ["--listen", "127.0.0.1:0", "--bearer-file", "bearers", "--log", form];
        let mut running = sandbox.helper(&[&["-vv", "serve"][..], &listen].concat()).spawn();
        let log = running.wait_for_stderr("listening on ");
        let port = port(&log);
        let refuse = |answer: &Answer| {
            let kinds = hunt.kinds_in(format!("{:?} {}", answer.headers, answer.body).as_bytes());
            assert!(kinds.is_empty(), "{kinds:?} in an answer {}", answer.status);
        };
        assert_eq!(get(port, ADMIN, &bearer, "").status, 200);
        for (target, bearer) in [
            (ADMIN.to_owned(), wrong.as_str()),
            (ADMIN.to_owned(), ""),
            (format!("{ADMIN}?token={planted}"), &bearer),
            (format!("{ADMIN}?owner={planted}&bearer={bearer}"), &bearer),
            (format!("{ADMIN}?{bearer}"), &wrong),
            (format!("/{planted}/x"), &bearer),
            ("/metrics".to_owned(), &bearer),
            ("/healthz".to_owned(), &wrong),
        ] {
            refuse(&get(port, &target, bearer, ""));
        }
        refuse(&send(port, format!("GET {ADMIN} HTTP/1.1\r\nHost: x\r\n{bearer}\r\n\r\n").as_bytes()));
        for (index, status) in [401, 403, 422, 500].into_iter().enumerate() {
            github.script_mint(vec![Response::json(status, json!({ "message": planted }))]);
            let target =
                format!("{ADMIN}?repository=hello&permission=contents={}", ["read", "write"][index % 2]);
            refuse(&get(port, &target, &bearer, "Cache-Control: no-cache\r\n"));
        }
        running.signal(Signal::TERM);
        let output = running.wait();
        for token in github.minted_tokens() {
            hunt.add_token(&token);
        }
        for seen in github.api_requests() {
            if let Some(jwt) = seen.header("authorization").and_then(|sent| sent.strip_prefix("Bearer eyJ")) {
                hunt.add_jwt(jwt);
            }
        }
        search(&hunt, &sandbox, &format!("serve with a {form} log"), &output, false);
        assert!(output.stderr.contains("admin"), "there is a log to search");
    }
}
