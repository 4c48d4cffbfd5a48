//! Each archive unpacked where there is no library, no resolver's settings and no user database.

use super::{PROCESSORS, Root, archive, files};
use crate::common::app_sandbox;
use crate::support::github::CLIENT_ID;
use crate::support::keys::app_key_pem;

#[test]
fn the_program_of_an_archive_mints_tokens_in_an_empty_root() {
    let Some(files) = files() else { return };
    for (processor, _) in PROCESSORS {
        let target = format!("{processor}-unknown-linux-musl");
        let Some(archive) = archive(&files, &target, "tar.gz") else { continue };
        let Some(root) = Root::new(processor) else { continue };
        let folder = archive.file_name().and_then(|name| name.to_str()).expect("text").replace(".tar.gz", "");
        root.unpack(&archive, &["--strip-components=1", &format!("{folder}/git-credential-github-app")]);
        root.write("app.pem", app_key_pem(), 0);
        let (github, _sandbox) = app_sandbox();
        let run = |args: &[&str]| {
            let run = root.command(0, "/git-credential-github-app", args).env("HOME", "/");
            let run = run.env("GITHUB_APP_HOST", github.url()).env("GITHUB_APP_CLIENT_ID", CLIENT_ID);
            run.env("GITHUB_APP_PRIVATE_KEY_FILE", "/app.pem").env("GITHUB_APP_OWNER", "octo-org")
        };
        let version = run(&["--version"]).run().success().stdout.clone();
        assert!(version.contains(&target), "{version}");
        let token = run(&["token"]).run();
        assert_eq!(token.success().stdout.trim_end(), github.live_tokens()[0], "{target}");
        let request = crate::common::request_for(&github, "octo-org/hello");
        let reply = run(&["get"]).stdin(request).run();
        assert_eq!(crate::common::password(reply.success()), github.live_tokens()[0], "{target}");
        assert_eq!(github.mints(), 1, "{target}: the second has it from the cache");
    }
}
