//! No secret leaks: every command, with every source of tokens, at the highest verbosity, searched for tokens, App JWTs,
//! bearers, private keys and their passphrases on stdout (where they do not belong), on stderr and in all files.

mod children;
mod failures;
mod hunt;
mod memory;
mod server;
mod world;

use crate::support::needs::OPENSSL;
use world::{Input, Source, World};

/// Command line, standard input, whether a token belongs on stdout.
const COMMANDS: [(&[&str], Input, bool); 31] = [
    (&["get"], Input::Request, true),
    (&["get"], Input::RichRequest, true),
    (&["store"], Input::Password, false),
    (&["status"], Input::Nothing, false),
    (&["status", "--json"], Input::Nothing, false),
    (&["--color=always", "doctor", "--repo", "octo-org/hello"], Input::Nothing, false),
    (&["doctor", "--json"], Input::Nothing, false),
    (&["erase"], Input::Password, false),
    (&["get"], Input::RichRequest, true),
    (&["token"], Input::Nothing, true),
    (&["token", "--json", "--min-life", "59m"], Input::Nothing, true),
    (&["--no-cache", "token"], Input::Nothing, true),
    (&["--permission", "contents=read", "token"], Input::Nothing, true),
    (&["--permission", "administration=write", "--timeout=500ms", "token"], Input::Nothing, false),
    (&["--repository", "no-such", "--timeout=500ms", "get"], Input::Request, false),
    (&["--owner", "nobody", "--timeout=500ms", "refresh"], Input::Nothing, false),
    (&["refresh", "--min-life", "59m"], Input::Nothing, false),
    (&["refresh", "--all"], Input::Nothing, false),
    (&["refresh", "--gh"], Input::Nothing, false),
    (&["exec", "--", "true"], Input::Nothing, false),
    (&["exec", "--", "printenv", "GH_ENTERPRISE_TOKEN"], Input::Nothing, true),
    (&["exec", "--", "no-such-command"], Input::Nothing, false),
    (&["setup", "--identity"], Input::Nothing, false),
    (&["setup", "--print", "--margin=5m"], Input::Nothing, false),
    (&["setup", "--undo"], Input::Nothing, false),
    (&["capability"], Input::Nothing, false),
    (&["completions", "bash"], Input::Nothing, false),
    (&["serve", "hash-bearer", "name"], Input::Bearer, false),
    (&["revoke"], Input::Nothing, false),
    (&["revoke", "--all", "--local"], Input::Nothing, false),
    (&["no-such-operation"], Input::Request, false),
];

#[track_caller]
fn try_all(source: Source) {
    let mut world = World::new(source);
    for (args, input, may_print_token) in COMMANDS {
        world.run(args, input, may_print_token);
    }
    assert!(world.github.mints() > 2, "there was something to find");
}

#[test]
fn no_command_leaks_with_a_key_file() {
    try_all(Source::KeyFile);
}

#[test]
fn no_command_leaks_with_a_key_in_the_environment() {
    try_all(Source::KeyInEnvironment);
}

#[test]
fn no_command_leaks_with_a_key_command_that_names_a_passphrase() {
    try_all(Source::KeyCommand);
}

#[test]
fn no_command_leaks_with_a_sign_command_that_names_a_passphrase() {
    if OPENSSL.is_met() {
        try_all(Source::SignCommand);
    }
}

#[test]
fn no_command_leaks_with_a_broker_and_a_bearer_file() {
    try_all(Source::BearerFile);
}

#[test]
fn no_command_leaks_with_a_broker_and_a_bearer_command_that_names_a_passphrase() {
    try_all(Source::BearerCommand);
}

#[test]
fn no_command_leaks_with_a_broker_and_the_id_token_of_a_job() {
    try_all(Source::IdToken);
}

#[test]
fn no_command_leaks_with_a_broker_and_all_secrets_in_the_environment() {
    try_all(Source::BearerInEnvironment);
}
