//! git-credential-github-app: gives git and gh a fresh GitHub App installation token.

fn main() -> std::process::ExitCode {
    git_credential_github_app::run()
}
