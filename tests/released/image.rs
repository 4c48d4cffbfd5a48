//! The image as a container runtime starts it: its own user, variables and CAs, a read-only root, and for the rest of the
//! network a name server that only the test knows.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{PROCESSORS, Root, files};
use crate::common::{broker_sandbox, password, tls_github};
use crate::serve::{line, port};
use crate::support::github::{CLIENT_ID, LoopbackGitHub};
use crate::support::keys::app_key_pem;
use crate::support::needs;
use crate::support::process::{Run, Running};
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;

const ROOTS: &str = "etc/ssl/certs/ca-certificates.crt";
const BEARER: &str = "a-bearer-of-the-tests";
const NAME_SERVER: &str = "127.0.0.77";

/// An image that is unpacked, and what its configuration says.
struct Container {
    root: Root,
    user: u32,
    env: Vec<String>,
}

impl Container {
    fn new(layout: &Path, processor: &str, architecture: &str) -> Option<Self> {
        let root = Root::new(processor)?;
        let copy = root.sandbox.path().join("copied");
        let mut skopeo = Command::new("skopeo");
        skopeo.arg("copy").arg("--quiet").arg(format!("--override-arch={architecture}"));
        skopeo.arg(format!("oci:{}", layout.display())).arg(format!("dir:{}", copy.display()));
        assert!(skopeo.status().expect("skopeo").success());
        let read = |name: &str| -> Value {
            let text = fs::read_to_string(copy.join(name)).expect("a blob");
            serde_json::from_str(&text).expect("JSON")
        };
        let blob = |value: &Value| value["digest"].as_str().expect("text").replace("sha256:", "");
        let manifest = read("manifest.json");
        for layer in manifest["layers"].as_array().expect("a list") {
            root.unpack(&copy.join(blob(layer)), &[]);
        }
        let config = read(&blob(&manifest["config"]));
        assert_eq!(config["architecture"], architecture);
        let user = config["config"]["User"].as_str().and_then(|user| user.split(':').next());
        let user = user.and_then(|user| user.parse().ok()).expect("a number");
        assert_ne!(user, 0);
        let env = config["config"]["Env"].as_array().expect("a list").iter();
        let env = env.map(|pair| pair.as_str().expect("text").to_owned()).collect();
        Some(Self { root, user, env })
    }

    /// `serve` for the App of a GitHub that is called `ghe.test`.
    fn serve(&self, github: &LoopbackGitHub) -> Running {
        let args = ["serve", "--listen", "127.0.0.1:0", "--bearer-file", "/bearers"];
        let run = self.root.command(self.user, "/usr/bin/git-credential-github-app", &args);
        let pairs = self.env.iter().filter_map(|pair| pair.split_once('='));
        // PATH finds what starts it, too.
        let run =
            pairs.filter(|(name, _)| *name != "PATH").fold(run, |run, (name, value)| run.env(name, value));
        let run = run.env("GITHUB_APP_HOST", host(github)).env("GITHUB_APP_CLIENT_ID", CLIENT_ID);
        run.env("GITHUB_APP_PRIVATE_KEY_FILE", "/app.pem").env("GITHUB_APP_OWNER", "octo-org").spawn()
    }
}

fn host(github: &LoopbackGitHub) -> String {
    format!("ghe.test:{}", github.server().port())
}

/// Answers every question for an IPv4 address with 127.0.0.1, and others with nothing; `None` where port 53 is taken.
fn name_server() -> Option<()> {
    let socket = UdpSocket::bind((NAME_SERVER, 53)).ok()?;
    std::thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            let mut answer = packet[..12].to_vec();
            let end = 12 + packet[12..length].iter().position(|byte| *byte == 0).expect("a name's end") + 5;
            let wants_address = packet[end - 4..end - 2] == [0, 1];
            answer[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, u8::from(wants_address), 0, 0, 0, 0]);
            answer.extend_from_slice(&packet[12..end]);
            if wants_address {
                answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
            }
            let _ = socket.send_to(&answer, from);
        }
    });
    Some(())
}

/// Asks the broker for a credential, as a helper in a workspace does.
fn ask(github: &LoopbackGitHub, port: u16) -> Run {
    let sandbox: Sandbox = broker_sandbox(&format!("http://127.0.0.1:{port}"), BEARER);
    sandbox.set_env("GITHUB_APP_HOST", host(github));
    sandbox.set_env("GITHUB_APP_VERIFY", "false");
    let request = format!("protocol=https\nhost={}\npath=octo-org/hello\n", host(github));
    let bearer = sandbox.env()[std::ffi::OsStr::new("GITHUB_APP_BROKER_TOKEN_FILE")].clone();
    let bearer = fs::read_to_string(bearer).expect("the bearer");
    let run = sandbox.helper(&["--no-cache", "--timeout=5s", "get"]).stdin(request);
    // The sandbox ends here.
    run.env_remove("GITHUB_APP_BROKER_TOKEN_FILE").env("GITHUB_APP_BROKER_TOKEN", bearer.trim_end()).cwd("/")
}

#[test]
fn the_image_resolves_names_trusts_the_roots_it_carries_and_answers_helpers() {
    let Some(files) = files() else { return };
    if needs::program("skopeo").is_none() {
        return needs::left_out("skopeo is not installed", "the image of a release");
    }
    if name_server().is_none() {
        return needs::left_out("nobody but root may serve names", "the image of a release");
    }
    for (processor, architecture) in PROCESSORS {
        if super::archive(&files, &format!("{processor}-unknown-linux-musl"), "tar.gz").is_none() {
            continue;
        }
        let Some(container) = Container::new(&files.join("image"), processor, architecture) else { continue };
        let ca = TestCa::new();
        let github = tls_github(&ca);
        let bearers = line(&container.root.sandbox, "helper", BEARER, "");
        container.root.write("bearers", bearers, container.user);
        container.root.write("app.pem", app_key_pem(), container.user);
        container.root.write("etc/resolv.conf", format!("nameserver {NAME_SERVER}\n"), container.user);

        // With the system's roots, which do not know the CA of the tests.
        let roots = container.root.sandbox.path().join("root").join(ROOTS);
        assert!(fs::read_to_string(&roots).expect("the roots").contains("-----BEGIN CERTIFICATE-----"));
        let mut broker = container.serve(&github);
        let refused = ask(&github, port(&broker.wait_for_stderr("listening on "))).run();
        assert!(refused.stdout.starts_with("quit="), "{}", refused.stdout);
        let log = broker.stderr_so_far();
        assert!(log.contains("UnknownIssuer") || log.contains("certificate"), "{log}");
        broker.signal(rustix::process::Signal::TERM);
        assert_eq!(broker.wait().success().stdout, "", "{architecture}");

        fs::write(&roots, ca.ca_pem()).expect("a file of ours");
        let mut broker = container.serve(&github);
        let reply = ask(&github, port(&broker.wait_for_stderr("listening on "))).run();
        assert_eq!(password(reply.success()), github.live_tokens()[0], "{architecture}");
        assert_eq!(github.mints(), 1);
        broker.signal(rustix::process::Signal::TERM);
        assert_eq!(broker.wait().success().stdout, "", "{architecture}");
    }
}
