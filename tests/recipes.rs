//! Every block that README.md, `docs/`, SECURITY.md and the manual page show to copy is run as it is written, with the
//! real git, gh and shell, against a github.com on loopback; stand-ins take the place of what only a cloud or a platform has.

mod actions;
pub mod broker;
mod containers;
pub mod documents;
mod gh;
mod git;
mod keys;
pub mod pod;
mod tools;
mod troubleshooting;
pub mod world;
pub mod yaml;

/// A test for each block: its name, what names the block, and what runs it.
macro_rules! recipes {
    ($($test:ident($name:literal) = $run:path;)+) => {
        const RUN: &[&str] = &[$($name),+];
        $(#[test] fn $test() {
            for block in documents::named($name) {
                $run(&block.text);
            }
        })+
    };
}

recipes! {
    installing_from_a_clone("./install.sh") = tools::install;
    the_transcript("$ git-credential-github-app setup") = git::transcript;
    setting_up_with_a_key("setup --app-id Iv23liExample") = git::setup;
    setting_up_a_second_host("--host ghe.example.com") = git::second_host;
    profiles_of_two_apps("[profile.work]") = git::profiles;
    a_settings_file_by_hand("=app_id = \"Iv23liExample\"\nprivate_key_file = \"/home/me/keys/my-app.pem\"\n") = git::settings_file;
    settings_in_the_environment("export GITHUB_APP_CLIENT_ID=Iv23liExample\n") = git::environment;
    the_lines_of_gits_configuration("--global --add credential.https://github.com.helper ''") = git::lines;
    undoing_those_lines("--unset-all credential.https://github.com.helper") = git::undo;
    ssh_remotes_and_submodules("insteadOf \"ssh://git@github.com/\"") = git::ssh;
    undoing_the_rewrite_of_ssh("--unset-all url.") = git::undo_ssh;
    less_access("repository = [\"website\", \"docs\"]") = git::narrowed;
    fewer_permissions("my-app.pem\"\npermission = ") = git::permissions;
    coding_agents("per_repository = true") = git::agents;
    a_key_in_pass("private_key_command = \"pass ") = keys::kept_elsewhere;
    a_key_in_1password("private_key_command = \"op ") = keys::kept_elsewhere;
    a_key_in_aws_kms("sign_command = \"aws ") = keys::kept_elsewhere;
    a_key_in_google_cloud_kms("sign_command = \"gcloud ") = keys::kept_elsewhere;
    a_key_in_azure_key_vault("az rest ") = keys::kept_elsewhere;
    a_key_in_vault("vault write ") = keys::kept_elsewhere;
    the_fingerprint_of_a_key_in_a_kms("openssl rsa -pubin") = keys::fingerprint;
    gh_for_one_command("exec -- gh pr list") = gh::exec;
    gh_kept_logged_in("=git-credential-github-app refresh --all --gh\n") = gh::refresh;
    timers("setup --timer systemd") = gh::timers;
    a_line_for_cron("*/30 * * * *") = gh::cron;
    an_image("FROM debian") = containers::image;
    a_pod("GITHUB_APP_CACHE_DIR\n        value") = containers::pod;
    a_job_on_github_actions("uses: OWNER/git-credential-github-app") = actions::job;
    a_ci_job("trap 'git-credential-github-app revoke --all' EXIT") = git::ci_job;
    completions_by_hand("completions bash >") = tools::completions;
    a_workspace_without_settings("=git-credential-github-app setup\ngit clone https://github.com/OWNER/REPO\n") = broker::workspace;
    a_broker_and_its_bearers("serve hash-bearer ws-1") = broker::bearers;
    a_limited_bearer("ws-1 sha256:") = broker::line;
    a_first_look_at_a_broker("curl -s http://127.0.0.1:8080/readyz") = broker::first_look;
    checking_every_link("doctor --repo") = git::doctor;
    asking_as_git_does("printf 'protocol=https") = git::request;
    a_token_talked_through("-v token >/dev/null") = tools::verbose_token;
    a_token_for_one_repository("token --repository website") = tools::narrow_token;
    looking_and_revoking("git-credential-github-app status\n") = tools::status_and_revoke;
}

/// The blocks that no test runs, and why.
const NOT_RUN: [(&str, &str); 12] = [
    ("cargo run --example demo", "it builds: .ci/run runs it"),
    ("=cargo test\n", "that would be this very test"),
    (".ci/long", "it takes hours"),
    ("cargo bench", "it measures, and needs a machine that does nothing else"),
    ("cargo test --test integration protocol::\n", "that would be these tests"),
    ("protocol::a_request_for", "the same"),
    ("cargo fmt --check\n", ".ci/run runs it"),
    ("#[test]", "tests/docs.rs compares it with the test"),
    ("│", "a drawing"),
    ("HTTP/1.1 200 OK", "an exchange: tests/serve/wire.rs has them"),
    ("Z no token for [", "lines of a log: tests/serve has them"),
    ("NAME sha256:HEX", "a form, not a line: tests/serve/bearers.rs has lines"),
];

#[test]
fn each_block_of_the_documents_is_run_by_one_test_or_left_out_for_a_reason() {
    let left_out = NOT_RUN.iter().map(|(name, _reason)| *name);
    let names: Vec<&str> = RUN.iter().copied().chain(left_out).collect();
    for block in documents::blocks() {
        let claims: Vec<_> = names.iter().filter(|name| block.is(name)).collect();
        assert_eq!(
            claims.len(),
            1,
            "a block of {} is claimed by {claims:?}:\n{}",
            block.document,
            block.text
        );
    }
    for name in names {
        documents::named(name);
    }
}
