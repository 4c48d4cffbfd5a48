//! Keys that other programs keep: stand-ins that want what the real tools want.

use super::world::World;
use crate::support::keys::{app_key_pem, public_key_pem};
use crate::support::needs::OPENSSL;

/// Each stand-in checks its arguments and then does with openssl what the service would do with its key.
const STAND_INS: [(&str, &str); 6] = [
    (
        "aws",
        r#"[ "$1 $2" = 'kms sign' ]; has '--signing-algorithm RSASSA_PKCS1_V1_5_SHA_256'; has '--message-type RAW'
has '--message fileb:///dev/stdin'; has '--query Signature'; has '--output text'
openssl dgst -sha256 -sign "$KEY" | base64 -w0; echo"#,
    ),
    (
        "gcloud",
        r#"[ "$1 $2" = 'kms asymmetric-sign' ]; has '--digest-algorithm=sha256'; has '--version=1'
has '--input-file=/dev/stdin'; has '--signature-file=-'
openssl dgst -sha256 -sign "$KEY""#,
    ),
    (
        "az",
        r#"[ "$1" = rest ]; has '--method post'; has '--resource https://vault.azure.net'; has '--query value'
has '--output tsv'; body=${all#*--body }; body=${body%% --query*}
digest=${body#'{"alg":"RS256","value":"'}; digest=${digest%'"}'}
[ "${#digest}" = 43 ]
printf '%s=' "$digest" | tr -- '-_' '+/' | base64 -d |
    openssl pkeyutl -sign -inkey "$KEY" -pkeyopt digest:sha256 | base64 -w0 | tr '+/' '-_' | tr -d =; echo"#,
    ),
    (
        "vault",
        r#"[ "$1 $2" = 'write -field=signature' ]; has 'transit/sign/github-app/sha2-256'
has 'signature_algorithm=pkcs1v15'; has 'input=-'
printf 'vault:v3:'; base64 -d | openssl dgst -sha256 -sign "$KEY" | base64 -w0"#,
    ),
    ("op", r#"[ "$1 $2" = 'read op://Bots/GitHub App/private key' ]; cat "$KEY""#),
    ("pass", r#"[ "$1 $2" = 'show github-app/private-key' ]; cat "$KEY""#),
];

/// A settings file whose key is in a KMS, a vault or a password store.
pub fn kept_elsewhere(recipe: &str) {
    if recipe.contains("sign_command") && !OPENSSL.is_met() {
        return;
    }
    let world = World::new("OWNER", &["REPO"]).with_helper();
    for (name, body) in STAND_INS {
        let checks =
            "all=$*; has() { case \" $all \" in *\" $1 \"*) ;; *) echo \"no $1\" >&2; exit 9;; esac; }";
        world.stand_in(name, &format!("set -e\n{checks}\n{body}"));
    }
    world.sandbox.set_env("KEY", world.sandbox.write_private("kms.pem", app_key_pem()));
    world.settings(recipe);
    world.clones("https://github.com/OWNER/REPO");
    let status = world.sh("git-credential-github-app status").run();
    assert!(!status.success().stdout.contains("problem"), "{}", status.stdout);
}

/// The public key's fingerprint, as `status` shows it for the private key.
pub fn fingerprint(recipe: &str) {
    if !OPENSSL.is_met() {
        return;
    }
    let world = World::configured("OWNER", &["REPO"]);
    world.sandbox.write("home/public.pem", public_key_pem());
    let print = world.sh(recipe).run();
    let status = world.sh("git-credential-github-app status").run();
    let shown = format!("SHA256:{} (file)", print.success().stdout.trim());
    assert!(status.success().stdout.contains(&shown), "{shown}: {}", status.stdout);
}
