//! Messages as git and other callers send them, and as attackers would.

use super::*;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_message_ends_at_a_blank_line_or_at_the_end() {
    for input in [
        "protocol=https\nhost=github.com\n",
        "protocol=https\nhost=github.com",
        "protocol=https\r\nhost=github.com\r\n\r\nhost=evil.example\n",
        "protocol=https\nhost=github.com\n\nno equals sign",
        "protocol=https\nprotocol=https\nhost=github.com\nunknown=1\n=empty\n",
    ] {
        let request = parse(input.as_bytes()).expect(input);
        assert_eq!((text(&request.protocol), text(&request.host)), ("https".into(), "github.com".into()));
    }
}

#[test]
fn malformed_messages_are_refused_as_a_whole() {
    for input in [
        "protocol=https\nhost=github.com\nhost=evil.example\n",
        "protocol=https\nhost=github.com\npath=a/b\npath=a/c\n",
        "protocol=https\nhost=github.com\nusername=a\nusername=b\n",
        "protocol=https\nhost=github.com\npassword=a\npassword=b\n",
        "protocol=https\nhost=git\rhub.com\n",
        "protocol=https\nhost=github.com\r",
        "protocol=https\r\r\nhost=github.com\n",
        "protocol=https\nhost=github.com\0.evil.example\n",
        "protocol=https\nhost\n",
        "protocol=https\nurl=https://github.com/a/b\n",
        "url=https://u:p@github.com/a/b\n",
        "url=https://github.com%2fevil.example/a\n",
        "url=https://github.com/a%0ab/c\n",
        "url=https://github.com/a%zz\n",
        "url=github.com/a/b\n",
    ] {
        assert!(parse(input.as_bytes()).is_none(), "{input:?}");
    }
}

#[test]
fn lists_collect_and_an_empty_value_clears_them() {
    let request =
        parse(b"capability[]=authtype\ncapability[]=new\ncapability[]=state\nstate[]=other:1\nstate[]=github-app:7\n")
            .unwrap();
    assert!(request.authtype && request.state);
    assert_eq!(request.our_state.as_deref(), Some("7"), "the states of other helpers are theirs");
    let request = parse(b"capability[]=state\ncapability[]=\nstate[]=github-app:7\nstate[]=\n").unwrap();
    assert!(!request.state && request.our_state.is_none());
}

#[test]
fn a_url_fills_the_fields() {
    let request = parse(b"url=https://x-access-token@github.com/o/r%2egit/\n").unwrap();
    assert_eq!(text(&request.host), "github.com");
    assert_eq!(request.path.as_deref().map(text).as_deref(), Some("o/r.git"));
    assert_eq!(request.username.as_deref().map(text).as_deref(), Some("x-access-token"));
    let request = parse(b"url=https://github.com@evil.example/o/r\n").unwrap();
    assert_eq!(text(&request.host), "evil.example");
}

#[test]
fn input_beyond_the_limits_is_refused_and_nothing_is_read_past_a_blank_line() {
    let long = [b"protocol=https\nhost=github.com\nx=".as_slice(), &vec![b'a'; MAX_LINE], b"\n"].concat();
    assert!(read(long.as_slice()).unwrap().is_none(), "a line over git's limit");
    let many = [b"protocol=https\nhost=github.com\n".as_slice(), &b"x=1\n".repeat(300_000)].concat();
    assert!(read(many.as_slice()).unwrap().is_none(), "more than 1 MiB");
    let mut rest = b"protocol=https\nhost=github.com\n\nleft over".as_slice();
    assert!(read(&mut rest).unwrap().is_some());
    assert_eq!(rest, b"left over");
}

#[test]
fn a_password_that_is_not_text_still_counts_as_given() {
    let request = parse(b"protocol=https\nhost=github.com\npassword=\xff\n").unwrap();
    assert!(!request.password.expect("given").matches(b""));
}

#[test]
fn a_credential_for_another_header_counts_as_given_and_is_never_ours() {
    let request = parse(b"authtype=Bearer\ncredential=ghs_x\nprotocol=https\nhost=github.com\n").unwrap();
    assert!(!request.password.expect("given").matches(b"ghs_x"));
    let request = parse(b"credential=x\npassword=ghs_x\nprotocol=https\nhost=github.com\n").unwrap();
    assert!(request.password.expect("given").matches(b"ghs_x"));
    assert!(parse(b"credential=x\ncredential=y\nprotocol=https\nhost=github.com\n").is_none());
}

#[test]
fn replies_are_exact() {
    let password = Secret::new("ghs_1.2_3".into());
    let (user, password) = ("x-access-token", &password);
    let mut reply = Reply { user, password, expiry: Some(99), authtype: false, state: None, again: false };
    let plain = "username=x-access-token\npassword=ghs_1.2_3\npassword_expiry_utc=99\n";
    assert_eq!(reply.to_secret().expose(), plain);
    (reply.authtype, reply.state, reply.again) = (true, Some("ab"), true);
    assert_eq!(
        reply.to_secret().expose(),
        format!(
            "capability[]=authtype\ncapability[]=state\nephemeral=1\nstate[]=github-app:ab\ncontinue=1\n{plain}"
        )
    );
    (reply.authtype, reply.again, reply.expiry, reply.user) = (false, false, None, "OAuth2");
    assert_eq!(
        reply.to_secret().expose(),
        "capability[]=state\nstate[]=github-app:ab\nusername=OAuth2\npassword=ghs_1.2_3\n"
    );
}

#[test]
fn placeholder_user_names_are_repeated_and_other_names_belong_to_people() {
    let request =
        |username: Option<&[u8]>| Request { username: username.map(<[u8]>::to_vec), ..Request::default() };
    for (asked, answered) in [
        (None, "x-access-token"),
        (Some(""), "x-access-token"),
        (Some("x-access-token"), "x-access-token"),
        (Some("git"), "git"),
        (Some("GIT"), "GIT"),
        (Some("OAuth2"), "OAuth2"),
        (Some("X-OAuth-Basic"), "X-OAuth-Basic"),
        (Some("token"), "token"),
    ] {
        let request = request(asked.map(str::as_bytes));
        assert_eq!((request.person(), request.user()), (None, answered), "{asked:?}");
    }
    for name in [&b"me"[..], b"gits", b" git", b"oauth", b"x-access-token:x", b"git\xff", b"gi\xc4\xb1t"] {
        let request = request(Some(name));
        assert_eq!((request.person(), request.user()), (Some(name), "x-access-token"));
    }
}
