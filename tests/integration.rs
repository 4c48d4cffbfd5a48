//! The built binary against loopback servers and the real git.
#[test]
fn placeholder() {}
