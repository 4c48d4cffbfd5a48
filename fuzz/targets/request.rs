//! git's bytes: a helper answers for exactly its host, and reads a repository only from a clean path.
#![no_main]

use git_credential_github_app::tokens::host::Host;
use git_credential_github_app::tokens::protocol;
use git_credential_github_app::tokens::scope::Repository;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(request) = protocol::parse(input) else { return };
    if Host::default().is_asked_by(&request.protocol, &request.host) {
        assert_eq!(request.protocol, b"https", "another protocol was taken for ours");
        let host = request.host.to_ascii_lowercase();
        assert!(host == b"github.com" || host == b"github.com:443", "another host was taken for ours");
        let named = |line: &&[u8]| line.starts_with(b"host=") || line.starts_with(b"url=");
        assert!(input.split(|&byte| byte == b'\n').any(|line| named(&line)), "a host that nobody has named");
    }
    let repository = request.path.as_deref().and_then(Repository::from_path);
    if let Some(Repository { owner, name }) = repository {
        for part in [owner, name] {
            assert!((1..=100).contains(&part.len()), "a name of a wrong length");
            assert!(
                part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)),
                "a foreign byte"
            );
            assert!(part != "." && part != "..", "a path that climbs");
        }
    }
});
