//! Everything that a helper can be set up with, each with secrets that are nowhere else, and the search after each run.

use serde_json::json;

use crate::common::{app_sandbox, request_for};
use crate::leaks::hunt::Hunt;
use crate::support::actions::ActionsJob;
use crate::support::broker::FakeBroker;
use crate::support::github::{CLIENT_ID, LoopbackGitHub};
use crate::support::http_server::Response;
use crate::support::keys::app_key_pem;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;
use crate::support::tokens::random_text;

/// What is on standard input.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    Nothing,
    Request,
    /// With all that a new git offers.
    RichRequest,
    /// With a token that was handed out.
    Password,
    Bearer,
}

/// Where the tokens come from.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    KeyFile,
    KeyInEnvironment,
    KeyCommand,
    SignCommand,
    BearerFile,
    BearerInEnvironment,
    BearerCommand,
    IdToken,
}

/// A GitHub, a broker in front of it where there is one, a sandbox, and the hunt for their secrets.
pub struct World {
    pub github: LoopbackGitHub,
    pub sandbox: Sandbox,
    pub hunt: Hunt,
    pub bearer: String,
    broker: Option<FakeBroker>,
    job: Option<ActionsJob>,
}

impl World {
    pub fn new(source: Source) -> Self {
        let (github, sandbox) = app_sandbox();
        let (bearer, passphrase) = (random_text(40), random_text(40));
        let mut world = Self { github, sandbox, hunt: Hunt::default(), bearer, broker: None, job: None };
        world.hunt.add("bearer", &world.bearer);
        world.hunt.add("key passphrase", &passphrase);
        world.hunt.add_key(app_key_pem());
        let key = world.sandbox.path().join("app.pem");
        let set = |name: &str, value: &str| world.sandbox.set_env(name, value);
        world.sandbox.remove_env("GITHUB_APP_PRIVATE_KEY_FILE");
        set("GITHUB_APP_OWNER", "octo-org");
        match source {
            Source::KeyFile => set("GITHUB_APP_PRIVATE_KEY_FILE", &key.to_string_lossy()),
            Source::KeyInEnvironment => set("GITHUB_APP_PRIVATE_KEY", &app_key_pem().replace('\n', "\\n")),
            Source::KeyCommand => {
                let command = format!("cat {} # opened with {passphrase}", key.display());
                set("GITHUB_APP_PRIVATE_KEY_COMMAND", &command);
            }
            Source::SignCommand => {
                let command = format!("PW={passphrase} openssl dgst -sha256 -sign {}", key.display());
                set("GITHUB_APP_SIGN_COMMAND", &command);
            }
            Source::BearerCommand | Source::IdToken => {
                let broker = FakeBroker::in_front_of(&world.github, &world.bearer);
                world.sandbox.remove_env("GITHUB_APP_CLIENT_ID");
                set("GITHUB_APP_BROKER_URL", &broker.url());
                if matches!(source, Source::BearerCommand) {
                    let file = world.sandbox.write_private("bearer", format!("{}\n", world.bearer));
                    let command = format!("cat {} # opened with {passphrase}", file.display());
                    set("GITHUB_APP_BROKER_TOKEN_COMMAND", &command);
                } else {
                    let value = json!({ "value": world.bearer });
                    let job = ActionsJob::answering(move |_| Response::json(200, value.clone()));
                    job.set_variables(&world.sandbox);
                    world.hunt.add("job's secret", job.bearer());
                    set("GITHUB_APP_BROKER_AUDIENCE", "github-app-broker");
                    world.job = Some(job);
                }
                world.broker = Some(broker);
            }
            Source::BearerFile | Source::BearerInEnvironment => {
                let broker = FakeBroker::in_front_of(&world.github, &world.bearer);
                world.sandbox.remove_env("GITHUB_APP_CLIENT_ID");
                set("GITHUB_APP_BROKER_URL", &broker.url());
                if matches!(source, Source::BearerFile) {
                    let file = world.sandbox.write_private("bearer", format!("{}\n", world.bearer));
                    set("GITHUB_APP_BROKER_TOKEN_FILE", &file.to_string_lossy());
                } else {
                    set("GITHUB_APP_BROKER_TOKEN", &world.bearer);
                    // With the key behind it.
                    set("GITHUB_APP_CLIENT_ID", CLIENT_ID);
                    set("GITHUB_APP_PRIVATE_KEY", app_key_pem());
                }
                world.broker = Some(broker);
            }
        }
        world.hunt.know_files(&world.sandbox);
        world
    }

    /// Runs the helper at the highest verbosity, and searches all that it leaves.
    #[track_caller]
    pub fn run(&mut self, args: &[&str], input: Input, may_print_token: bool) -> Output {
        let output = self.sandbox.helper(&[&["-vv"], args].concat()).stdin(self.input(input)).run();
        self.learn();
        search(&self.hunt, &self.sandbox, &format!("{args:?}"), &output, may_print_token);
        output
    }

    fn input(&self, input: Input) -> String {
        let request = request_for(&self.github, "octo-org/hello");
        match input {
            Input::Nothing => String::new(),
            Input::Request => request,
            Input::RichRequest => format!("capability[]=authtype\ncapability[]=state\n{request}"),
            Input::Password => {
                let token = self.github.live_tokens().pop().unwrap_or_default();
                format!("{request}username=x-access-token\npassword={token}\n")
            }
            Input::Bearer => format!("{}\n", self.bearer),
        }
    }

    /// Looks for the tokens and the App JWTs that there are by now.
    fn learn(&mut self) {
        for token in self.github.minted_tokens() {
            self.hunt.add_token(&token);
        }
        for request in self.github.server().requests() {
            let jwt = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
            if let Some(jwt) = jwt.filter(|jwt| jwt.starts_with("eyJ")) {
                self.hunt.add_jwt(jwt);
            }
        }
    }
}

/// Searches what a run has left.
#[track_caller]
pub fn search(hunt: &Hunt, sandbox: &Sandbox, what: &str, output: &Output, may_print_token: bool) {
    let printed = hunt.kinds_in(&output.stdout_bytes);
    let printed = printed.iter().filter(|kind| !(may_print_token && **kind == "token"));
    let mut wrong: Vec<String> = printed.map(|kind| format!("{kind} on stdout")).collect();
    wrong.extend(hunt.kinds_in(output.stderr.as_bytes()).iter().map(|kind| format!("{kind} on stderr")));
    wrong.extend(hunt.search_files(sandbox));
    assert!(wrong.is_empty(), "{what} leaks: {}", wrong.join(", "));
    assert!(!output.stderr.contains("panicked"), "{what} panics");
}
