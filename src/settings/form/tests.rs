use super::*;

const PEM: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\n";
const NAMING: [Form; 9] = [
    Form::Path,
    Form::Url,
    Form::Broker,
    Form::Host,
    Form::Issuer,
    Form::Word("workspace ID"),
    Form::Owner,
    Form::Profile,
    Form::Repository,
];

#[test]
fn a_secret_in_the_wrong_place_is_named_and_not_shown() {
    let token = format!("ghs_{}", "a1B2".repeat(10));
    let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjM0NSJ9.c2lnbmF0dXJlLW9mLXRlc3Q";
    let base64 = "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlFcEFJQkFBS0NBUUVB";
    for (text, what) in [
        (PEM, "the private key itself"),
        (&PEM.replace('\n', "\\n"), "the private key itself"),
        (&PEM.replace('\n', " "), "the private key itself"),
        (base64, "the private key itself, in base64"),
        (&token, "a token"),
        (jwt, "a JWT"),
    ] {
        for form in NAMING {
            let wrong = form.check(text).expect_err(text);
            assert!(wrong.cause.starts_with(&format!("this is {what}")), "{form:?}: {}", wrong.cause);
            let said = format!("{} {}", wrong.cause, wrong.cures.join(" "));
            assert!(!said.contains("MII") && !said.contains("a1B2") && !said.contains("LS0"), "{said}");
        }
    }
    for text in ["a\nb", &"x".repeat(1025)] {
        assert!(NAMING.iter().all(|form| form.check(text).is_err()));
    }
}

#[test]
fn a_path_of_windows_in_a_secrets_place_is_known_for_a_path() {
    for text in [r"C:\Users\me\key", "C:/Users/me/key", r"\\server\share\key"] {
        assert!(
            Form::Bearer.check(text).is_err_and(|wrong| wrong.cause.starts_with("this is a path")),
            "{text}"
        );
        assert!(
            Form::KeyText.check(text).is_err_and(|wrong| wrong.cause.starts_with("this is a path")),
            "{text}"
        );
        assert!(Form::Path.check(text).is_ok(), "{text}");
    }
    assert!(Form::Bearer.check("a:/bearer").is_err() && Form::Bearer.check("ab:/cd").is_ok());
}

#[test]
fn a_bearer_in_a_paths_place_is_refused_and_paths_are_not() {
    let bearer = |text: &str| Form::Path.check(text).is_err();
    for text in
        ["q8Zr0Vf3kXn5mB7yT2wL9cHsJ4dGaPeU", "0123456789abcdef0123456789abcdef", "ab/Cd+0123456789efghIJ=="]
    {
        assert!(bearer(text), "{text}");
    }
    for text in [
        "key.pem",
        "./q8Zr0Vf3kXn5mB7yT2wL9cHsJ4dGaPeU",
        "/etc/github-app/key2",
        "~/k",
        "~",
        "keys/the-apps-private-key-2",
        "a b",
    ] {
        assert!(!bearer(text), "{text}");
    }
    assert!(bearer("~other/key.pem"));
}

#[test]
fn a_path_in_a_secrets_place_is_told_the_other_way_round() {
    for text in ["/k.pem", "~/app.pem", "./k", "keys/app.pem"] {
        assert!(Form::KeyText.check(text).expect_err(text).cause.contains("this is a path"));
    }
    assert!(Form::KeyText.check(PEM).is_ok() && Form::Bearer.check(PEM).is_err());
    for (text, is_path) in [
        ("/configs/.auth_token", true),
        ("/run/secrets/bearer", true),
        ("~/bearer", true),
        ("/q8Zr0Vf3kXn/B7yT2wL9==", false),
        ("q8Zr0Vf3kXn5mB7yT2wL", false),
    ] {
        assert_eq!(Form::Bearer.check(text).is_err(), is_path, "{text}");
    }
}
