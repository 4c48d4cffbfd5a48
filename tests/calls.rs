//! What a `get` costs on the network: the table in docs/how-it-works.md, measured on github.com's two hosts over TLS.

use crate::common::{Cloud, let_pass, password};

const PAGE: &str = include_str!("../docs/how-it-works.md");

struct Place(Cloud);

impl Place {
    fn new() -> Self {
        let cloud = Cloud::new();
        cloud.github.add_installation(8, "other-org");
        cloud.github.create_repository("other-org", "hello");
        Self(cloud)
    }

    /// Look-ups, mints, trials and connections of one `get`.
    fn cost(&self, owner: &str) -> [usize; 4] {
        let before = self.counts();
        let request = format!("protocol=https\nhost=github.com\npath={owner}/hello\n");
        password(&self.0.sandbox.helper(&["get"]).stdin(request).run());
        let after = self.counts();
        std::array::from_fn(|index| after[index] - before[index])
    }

    fn counts(&self) -> [usize; 4] {
        let requests = self.0.github.server().requests();
        let ending = |end: &str| requests.iter().filter(|seen| seen.target.ends_with(end)).count();
        let counts = [ending("/installation"), ending("/access_tokens"), ending("service=git-upload-pack")];
        assert_eq!(counts.iter().sum::<usize>(), requests.len(), "nothing else is asked");
        assert_eq!(self.0.proxy.asked().len(), self.0.github.server().connections());
        [counts[0], counts[1], counts[2], self.0.proxy.asked().len()]
    }
}

#[track_caller]
fn agrees(row: &str, cost: [usize; 4]) {
    let [look_ups, mints, trials, connections] = cost;
    let row = format!("\n| {row} | {look_ups} | {mints} | {trials} | {connections} |\n");
    assert!(PAGE.contains(&row), "docs/how-it-works.md lacks{row}");
}

#[test]
fn the_documents_tell_what_a_get_costs() {
    let place = Place::new();
    agrees("none yet, owner's installation not known", place.cost("octo-org"));
    agrees("in the cache", place.cost("octo-org"));
    let_pass(&place.0.sandbox, 10);
    agrees("in the cache, and its last client has not reported", place.cost("octo-org"));
    agrees("of a second owner", place.cost("other-org"));

    let place = Place::new();
    place.0.github.set_token_life(60);
    place.cost("octo-org");
    agrees("expired, owner's installation known (for a day)", place.cost("octo-org"));

    let place = Place::new();
    place.0.sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
    agrees("none yet, `installation_id` set", place.cost("octo-org"));
}

#[test]
fn without_a_repository_one_connection_serves_look_up_mint_and_trial() {
    let place = Place::new();
    place.0.sandbox.helper(&["--owner=octo-org", "token"]).run().success();
    assert_eq!(place.0.proxy.asked(), ["api.github.com:443"], "one TCP connection, one TLS handshake");
    assert_eq!(place.0.github.server().requests().len(), 3);
}
