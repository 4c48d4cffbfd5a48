//! The other end of a connection: an address, or on a Unix socket the user that the kernel reports (unix(7),
//! `SO_PEERCRED`). Nothing that a client sends can change it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// TCP; an IPv4 address written as IPv6 counts as IPv4.
    Address(IpAddr),
    /// A Unix socket, by user ID; `None`: the kernel does not report it.
    User(Option<u32>),
}

impl Peer {
    /// For TCP.
    pub fn of_address(address: IpAddr) -> Self {
        Self::Address(address.to_canonical())
    }

    /// Whether it is on this machine.
    pub fn is_local(self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback(),
            Self::User(_) => true,
        }
    }

    /// Whether it is served if there are no identities: only root and the user `me`, whatever the socket's mode.
    pub fn needs_no_bearer(self, me: u32) -> bool {
        matches!(self, Self::User(Some(user)) if user == 0 || user == me)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V4(address)) => f.write_str(dotted(*address, &mut [0; 15])),
            Self::Address(address) => address.fmt(f),
            Self::User(Some(user)) => write!(f, "uid={user}"),
            Self::User(None) => f.write_str("uid=?"),
        }
    }
}

/// Formats an IPv4 address. Every log line has one, and the standard library takes several times as long.
fn dotted(address: Ipv4Addr, buffer: &mut [u8; 15]) -> &str {
    let mut end = 0;
    for (index, octet) in address.octets().into_iter().enumerate() {
        let digits = [octet / 100, octet / 10 % 10, octet % 10];
        let zeros = if octet < 10 { 2 } else { usize::from(octet < 100) };
        let dot = usize::from(index > 0);
        buffer[end] = b'.';
        for (to, digit) in buffer[end + dot..].iter_mut().zip(&digits[zeros..]) {
            *to = b'0' + digit;
        }
        end += dot + digits.len() - zeros;
    }
    // Digits and dots are ASCII.
    std::str::from_utf8(&buffer[..end]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_servers_own_user_need_no_bearer_and_nobody_else() {
        let address = |text: &str| Peer::of_address(text.parse().unwrap());
        for (peer, needs_none) in [
            (Peer::User(Some(1000)), true),
            (Peer::User(Some(0)), true),
            (Peer::User(Some(1001)), false),
            (Peer::User(Some(65534)), false),
            (Peer::User(None), false),
            (address("127.0.0.1"), false),
            (address("::1"), false),
        ] {
            assert_eq!(peer.needs_no_bearer(1000), needs_none, "{peer}");
        }
    }

    #[test]
    fn addresses_are_shown_as_everywhere() {
        for text in ["0.0.0.0", "1.22.133.4", "99.100.9.10", "255.255.255.255", "2001:db8::ff"] {
            assert_eq!(Peer::of_address(text.parse().unwrap()).to_string(), text);
        }
    }

    #[test]
    fn loopback_is_local_in_every_spelling() {
        for (text, shown, local) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("::ffff:127.0.0.1", "127.0.0.1", true),
            ("::1", "::1", true),
            ("::ffff:192.0.2.1", "192.0.2.1", false),
            ("2001:db8::1", "2001:db8::1", false),
        ] {
            let peer = Peer::of_address(text.parse().unwrap());
            assert_eq!((peer.to_string().as_str(), peer.is_local()), (shown, local), "{text}");
        }
        assert!(Peer::User(Some(1)).is_local());
        assert_eq!(Peer::User(Some(1)).to_string(), "uid=1");
    }
}
