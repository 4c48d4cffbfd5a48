//! A pod as the kubelet makes it of a specification: who the container is, and whose its files are with which modes. A
//! secret's files belong to root; with `fsGroup` to that group too, which may read them whatever `defaultMode` says.
//! <https://kubernetes.io/docs/tasks/configure-pod-container/security-context/>

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::world::World;
use crate::support::process::Run;
use crate::support::sandbox::{Sandbox, shell_word};
use crate::support::users::{Common, mode, victim_and_attacker};

/// What the downward API says that a pod is called.
pub const POD_NAME: &str = "web-1";

/// The name of a secret or a map, or of a projected volume, and its files.
pub type Secret<'a> = (&'a str, &'a [(&'a str, &'a str)]);

/// One container of a pod.
pub struct Pod {
    pub world: World,
    /// What is in the specification, and where it is on this machine.
    mounts: Vec<(String, PathBuf)>,
    user: [String; 3],
    _common: Common,
}

/// A machine whose program and github.com all users can reach; `None` where this process cannot become other users.
pub fn world_for_all(owner: &str, repositories: &[&str]) -> Option<(World, Common)> {
    victim_and_attacker()?;
    let common = Common::new();
    let world = World::with_sandbox(Sandbox::with_binary(common.binary()), owner, repositories);
    for path in
        [world.sandbox.path(), &world.sandbox.home(), &world.bin(), &world.sandbox.path().join("ca.pem")]
    {
        mode(path, 0o755);
    }
    Some((world, common))
}

impl Pod {
    /// The only container of this `PodSpec`, with its volumes.
    pub fn start((world, common): (World, Common), spec: &Value, secrets: &[Secret]) -> Self {
        let container = &spec["containers"][0];
        let security = &spec["securityContext"];
        let id = |name: &str| security[name].as_u64().and_then(|id| u32::try_from(id).ok());
        let runs_as = id("runAsUser").expect("a user other than the image's");
        assert!(runs_as != 0, "not root");
        let group = id("fsGroup");
        let root = world.sandbox.path().join("pod");
        fs::create_dir(&root).expect("a new directory");
        mode(&root, 0o755);
        let mut mounts = Vec::new();
        for volume in spec["volumes"].as_array().expect("volumes") {
            let dir = root.join(volume["name"].as_str().expect("a name"));
            make(volume, &dir, group, secrets);
            let mount = container["volumeMounts"].as_array().expect("mounts").iter();
            let mut mount = mount.filter(|mount| mount["name"] == volume["name"]);
            let path = mount.next().expect("each volume is mounted")["mountPath"].as_str().expect("a path");
            mounts.push((path.to_owned(), dir));
        }
        let user = [
            format!("--reuid={runs_as}"),
            format!("--regid={}", id("runAsGroup").unwrap_or(0)),
            group.map_or("--clear-groups".to_owned(), |group| format!("--groups={group}")),
        ];
        let pod = Self { world, mounts, user, _common: common };
        for variable in container["env"].as_array().into_iter().flatten() {
            let name = variable["name"].as_str().expect("a name");
            let of_field = variable["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name";
            let value = if of_field { POD_NAME } else { variable["value"].as_str().expect("text") };
            pod.world.sandbox.set_env(name, pod.inside(value));
        }
        pod
    }

    /// A text with the places on this machine for those in the container.
    pub fn inside(&self, text: &str) -> String {
        self.with_places(text, str::to_owned)
    }

    fn with_places(&self, text: &str, spelled: impl Fn(&str) -> String) -> String {
        self.mounts.iter().fold(text.to_owned(), |text, (inside, here)| {
            text.replace(inside, &spelled(&here.to_string_lossy()))
        })
    }

    /// Prepares a program of the container, where nothing but the volumes can be written to.
    pub fn run(&self, program: impl AsRef<Path>, args: &[&str]) -> Run {
        let user: Vec<&str> = self.user.iter().map(String::as_str).collect();
        let run = self.world.sandbox.command("setpriv", &[&user, &["--"][..]].concat());
        args.iter().fold(run.arg(program.as_ref()), Run::arg)
    }

    /// Prepares shell lines.
    pub fn sh(&self, lines: &str) -> Run {
        self.run("sh", &["-euc", &self.with_places(lines, shell_word)])
    }
}

fn make(volume: &Value, dir: &Path, group: Option<u32>, secrets: &[Secret]) {
    fs::create_dir(dir).expect("a new directory");
    if volume["emptyDir"].is_object() {
        return give(dir, 0o777, 0o2770, group);
    }
    let mut kinds = ["secret", "configMap", "projected"].iter().map(|kind| &volume[kind]);
    let source = kinds.find(|source| source.is_object()).expect("a kind of volume that is known here");
    let named = [&source["secretName"], &source["name"], &volume["name"]];
    let named = named.into_iter().find_map(Value::as_str).expect("a name");
    let files = secrets.iter().find(|(name, _)| named == *name).expect("files of that name").1;
    let bits = source["defaultMode"].as_u64().map_or(0o644, |bits| u32::try_from(bits).expect("a mode"));
    // What is mounted are links: the files are replaced all at once by another directory.
    let data = dir.join("..2026_11_25");
    fs::create_dir(&data)
        .and_then(|()| symlink("..2026_11_25", dir.join("..data")))
        .expect("a new directory");
    for (name, content) in files {
        fs::write(data.join(name), content).expect("a new file");
        give(&data.join(name), bits, 0o440, group);
        symlink(Path::new("..data").join(name), dir.join(name)).expect("a new link");
    }
    give(&data, 0o755, 0o2550, group);
    give(dir, 0o1777, 0o2550, group);
}

/// What `fsGroup` changes: the group, and what it may do at least.
fn give(path: &Path, bits: u32, for_group: u32, group: Option<u32>) {
    chown(path, Some(0), Some(group.unwrap_or(0))).expect("root gives files away");
    mode(path, if group.is_some() { bits | for_group } else { bits });
}
