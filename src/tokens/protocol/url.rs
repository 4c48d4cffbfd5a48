//! The `url` attribute, which some callers send instead of the fields. Parsed strictly: what is in doubt is not ours.

use crate::tokens::protocol::Request;

/// Fills protocol, host, path and user name from an http(s) URL; `None` if it is not plainly one.
pub fn apply(request: &mut Request, url: &[u8]) -> Option<()> {
    let url = std::str::from_utf8(url).ok()?;
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = match rest.find(['/', '?', '#']) {
        Some(end) => (&rest[..end], &rest[end..]),
        None => (rest, ""),
    };
    let (user, host) = match authority.split_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    // An escape or a second `@` in the authority is how one host is dressed up as another; a password means that
    // the caller has its credential already.
    if host.contains(['@', '%', '\\']) || user.is_some_and(|user| user.contains([':', '%'])) {
        return None;
    }
    request.protocol = scheme.into();
    request.host = host.into();
    let path = decode(path.trim_matches('/'))?;
    request.path = (!path.is_empty()).then_some(path);
    if let Some(user) = user {
        match &request.username {
            Some(given) if given != user.as_bytes() => return None,
            _ => request.username = Some(user.into()),
        }
    }
    Some(())
}

/// Percent-decodes a path; a broken escape or one that makes a control character is refused.
fn decode(path: &str) -> Option<Vec<u8>> {
    let mut bytes = path.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()?
        } else {
            byte
        };
        if byte.is_ascii_control() {
            return None;
        }
        out.push(byte);
    }
    Some(out)
}
