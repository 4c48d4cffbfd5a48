//! One asker after the other, beside a model of the contract: whatever happens, nobody gets a token that has expired or is
//! somebody else's, none too many is minted, and a token that is valid is handed out while GitHub fails.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::broker::ready::Ready;

/// What the model knows of an identity's scope. Times are in seconds after the start.
#[derive(Clone, Default)]
struct Scoped {
    /// When it expires, and when it came.
    token: Option<(i64, i64)>,
    /// With what the last mint failed, and when.
    failed: Option<(Kind, i64)>,
}

/// What becomes of the next mint.
#[derive(Clone, Copy, Debug)]
enum Mint {
    Lives(i64),
    Fails(Kind),
}

#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Ask { whose: Whose, new: bool, min_fresh: i64, mint: Mint },
    End(Whose),
}

const NAMES: [&str; 2] = ["a", "b"];

/// An identity and a scope.
type Whose = (usize, usize);

fn step() -> impl Strategy<Value = Step> {
    let kind = prop::sample::select(vec![Kind::Temporary, Kind::Refused, Kind::NotInstalled, Kind::Settings]);
    let mint = prop_oneof![4 => (1..4000_i64).prop_map(Mint::Lives), 2 => kind.prop_map(Mint::Fails)];
    let pass = prop_oneof![Just(1_u64), 1..20_u64, 1..400_u64, 1..4000_u64];
    let whose = || (0..2_usize, 0..2_usize);
    let ask = (whose(), any::<bool>(), prop_oneof![Just(0), 0..4000_i64], mint);
    prop_oneof![
        2 => pass.prop_map(Step::Pass),
        4 => ask.prop_map(|(whose, new, min_fresh, mint)| Step::Ask { whose, new, min_fresh, mint }),
        1 => whose().prop_map(Step::End),
    ]
}

impl Scoped {
    /// What an asker gets (the token's expiry), and whether a mint begins.
    fn ask(&mut self, now: i64, new: bool, min_fresh: i64, mint: Mint) -> (Option<i64>, bool) {
        let valid = self.token.filter(|(expiry, _)| *expiry > now);
        let ago = self.failed.map(|(kind, at)| (kind, now - at));
        if let Some((expiry, since)) = valid {
            let enough = expiry - now > 300 && expiry - now >= min_fresh;
            let failing = ago.is_some_and(|(_, ago)| ago < 30);
            if now - since < 10 || (!new && (enough || failing)) {
                return (Some(expiry), false);
            }
        }
        let held = valid.map(|(expiry, _)| expiry);
        let remembered = |(kind, ago)| match kind {
            Kind::Temporary => false,
            Kind::NotInstalled => ago < 60,
            _ => ago < 15,
        };
        if ago.is_some_and(remembered) {
            return (held, false);
        }
        match mint {
            Mint::Lives(life) => {
                *self = Self { token: Some((now + life, now)), failed: None };
                (Some(now + life), true)
            }
            Mint::Fails(kind) => {
                self.failed = Some((kind, now));
                (held, true)
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn the_pool_is_as_the_contract_says(steps in vec(step(), 1..60)) {
        // Only a wait in vain takes so long.
        let limit = Duration::from_secs(5);
        let world = World::with(Limits { patience: limit, turn: limit, ..Limits::default() });
        let mut model = vec![vec![Scoped::default(); 2]; 2];
        let mut now = 0_i64;
        // Who has had which token; all are kept, so that none has another's place in memory.
        let mut had: Vec<(usize, Arc<Ready>)> = Vec::new();
        for step in steps {
            let ((identity, number), new, min_fresh, mint) = match step {
                Step::Ask { whose, new, min_fresh, mint } => (whose, new, min_fresh, mint),
                Step::Pass(seconds) => {
                    world.pass(seconds);
                    now += i64::try_from(seconds).unwrap();
                    continue;
                }
                Step::End((identity, number)) => {
                    world.finish(NAMES[identity], &scope("o", number)).unwrap();
                    model[identity][number].token = None;
                    continue;
                }
            };
            let asking = world.start(&who(NAMES[identity]), &scope("o", number), Freshness { new, min_fresh });
            let (expected, mints) = model[identity][number].ask(now, new, min_fresh, mint);
            if mints {
                prop_assert_eq!(world.begun.recv_timeout(limit).ok(), Some(scope("o", number)), "no mint");
                let outcome = match mint {
                    Mint::Lives(life) => Ok(NOW + now + life),
                    Mint::Fails(kind) => Err(Failure::new(kind, "GitHub answered")),
                };
                world.results.send(outcome).unwrap();
            }
            let got = world.end(asking).ok();
            let expiry = got.as_ref().and_then(|ready| ready.token.facts.expiry);
            prop_assert_eq!(expiry, expected.map(|expiry| NOW + expiry), "after {} s", now);
            prop_assert_eq!(world.begun.try_iter().count(), 0, "one mint too many");
            if let Some(token) = got {
                let of_another = |(whose, known): &(usize, Arc<Ready>)| *whose != identity && Arc::ptr_eq(known, &token);
                prop_assert!(!had.iter().any(of_another), "somebody else's token");
                had.push((identity, token));
            }
        }
    }
}
