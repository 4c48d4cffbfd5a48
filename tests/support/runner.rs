//! A stand-in for the runner of GitHub Actions: it gives a job's steps their variables and files, and takes from the
//! files what the steps that follow get.
//! <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>

use std::fs;
use std::path::PathBuf;

use super::needs::NODE;
use super::process::{Output, Run};
use super::sandbox::Sandbox;

const ACTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/action");
const FILES: [&str; 4] = ["GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE"];

/// A job with this Action in it, in a sandbox; the sandbox's variables are the job's.
pub struct Job {
    node: PathBuf,
    inputs: Vec<(String, String)>,
}

impl Job {
    /// A job for this sandbox; `None`, and a line that says so, where node is not installed.
    pub fn new(sandbox: &Sandbox) -> Option<Self> {
        let node = NODE.find()?;
        sandbox.set_env("RUNNER_TEMP", sandbox.path().join("runner temp"));
        fs::create_dir(sandbox.path().join("runner temp")).expect("a new directory");
        for name in FILES {
            sandbox.set_env(name, sandbox.write(&format!("files/{name}"), ""));
        }
        Some(Self { node, inputs: Vec::new() })
    }

    /// Sets an input, as a workflow's `with` does.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.inputs.push((name.to_owned(), value.into()));
        self
    }

    /// Prepares the main step.
    pub fn main(&self, sandbox: &Sandbox) -> Run {
        self.step(sandbox, "main.js")
    }

    /// Prepares the post step with what the main step has saved.
    pub fn post(&self, sandbox: &Sandbox) -> Run {
        let step = self.step(sandbox, "post.js");
        pairs(sandbox, "GITHUB_STATE")
            .into_iter()
            .fold(step, |step, (name, value)| step.env(format!("STATE_{name}"), value))
    }

    fn step(&self, sandbox: &Sandbox, script: &str) -> Run {
        let step = sandbox.command(&self.node, &[&format!("{ACTION}/{script}")]);
        // The default of a flag is in action.yml.
        let defaults = [("per-repository", "false"), ("insteadof", "false"), ("gh", "true")];
        let defaults = defaults.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let inputs = defaults.iter().chain(&self.inputs);
        inputs.fold(step, |step, (name, value)| step.env(format!("INPUT_{}", name.to_uppercase()), value))
    }

    /// Runs the main step, and gives the steps that follow what it has set.
    pub fn start(&self, sandbox: &Sandbox) -> Output {
        let output = self.main(sandbox).run();
        hand_over(sandbox);
        output
    }
}

/// Gives the job what its steps have written so far.
pub fn hand_over(sandbox: &Sandbox) {
    for (name, value) in pairs(sandbox, "GITHUB_ENV") {
        sandbox.set_env(name, value);
    }
    let mut path = sandbox.env().remove(std::ffi::OsStr::new("PATH")).unwrap_or_default();
    for dir in text(sandbox, "GITHUB_PATH").lines() {
        let mut longer = std::ffi::OsString::from(dir);
        longer.push(":");
        longer.push(path);
        path = longer;
    }
    sandbox.set_env("PATH", path);
}

/// What the steps have written to one of the runner's files.
pub fn text(sandbox: &Sandbox, name: &str) -> String {
    fs::read_to_string(sandbox.path().join("files").join(name)).expect("the runner's file")
}

fn pairs(sandbox: &Sandbox, name: &str) -> Vec<(String, String)> {
    let text = text(sandbox, name);
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.lines().map(|line| pair(line).expect("NAME=VALUE")).collect()
}
