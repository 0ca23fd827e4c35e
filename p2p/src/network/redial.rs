//! When to dial one member again: soon, then less and less often, never all at the same moment. No clock and no chance of its
//! own: both are arguments.

use std::time::{Duration, Instant};

use libp2p::Multiaddr;

/// A process that is restarted comes back within seconds: the first attempts are close together.
const FIRST_DELAY: Duration = Duration::from_millis(200);

/// The longest pause: a member that was off for hours is back within it even when it cannot dial us.
const LONGEST_DELAY: Duration = Duration::from_secs(15);

/// Head start of the one of two members that dials first, so that they seldom dial each other at the same moment. Two round
/// trips, which is what a QUIC handshake takes, are below it on most links.
const HEAD_START: Duration = Duration::from_millis(400);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Connected, or nothing to dial.
    Idle,
    Waiting(Instant),
    Dialling,
}

/// The attempts to reach one member: round after round over its addresses, one at a time.
#[derive(Debug)]
pub(crate) struct Redial {
    addresses: Vec<Multiaddr>,
    /// The next address of this round.
    position: usize,
    /// Of two members, the one with the smaller peer id dials first.
    first: bool,
    /// Rounds and connections in vain since the member was last reachable.
    in_vain: u32,
    state: State,
}

impl Redial {
    pub(crate) fn new(addresses: Vec<Multiaddr>, first: bool) -> Self {
        Self { addresses, position: 0, first, in_vain: 0, state: State::Idle }
    }

    /// At the start of the process: at once, or after the head start of the other.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.wait(now, if self.first { Duration::ZERO } else { HEAD_START });
    }

    /// The last connection ended: a new round after a pause. `chance` is any number.
    pub(crate) fn lost(&mut self, now: Instant, chance: u64) {
        self.position = 0;
        let pause = self.pause(chance);
        self.in_vain = self.in_vain.saturating_add(1);
        self.wait(now, pause);
    }

    /// An attempt failed: the next address at once, or a new round after a pause.
    pub(crate) fn failed(&mut self, now: Instant, chance: u64) {
        self.position = self.position.saturating_add(1);
        if self.position < self.addresses.len() {
            self.wait(now, Duration::ZERO);
        } else {
            self.lost(now, chance);
        }
    }

    /// Doubles with each round, between three and five quarters of that.
    fn pause(&self, chance: u64) -> Duration {
        let doubled = FIRST_DELAY.saturating_mul(2_u32.saturating_pow(self.in_vain)).min(LONGEST_DELAY);
        let percent = 75 + u32::try_from(chance % 51).unwrap_or(0);
        let behind = if self.first || self.in_vain > 0 { Duration::ZERO } else { HEAD_START };
        (doubled.saturating_mul(percent) / 100).saturating_add(behind)
    }

    fn wait(&mut self, now: Instant, delay: Duration) {
        self.state = if self.addresses.is_empty() { State::Idle } else { State::Waiting(now + delay) };
    }

    /// The address to dial now, if it is time; the attempt counts as begun.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Multiaddr> {
        match self.state {
            State::Waiting(at) if at <= now => {
                self.state = State::Dialling;
                self.addresses.get(self.position).cloned()
            }
            State::Idle | State::Waiting(_) | State::Dialling => None,
        }
    }

    /// A connection exists, whoever dialled.
    pub(crate) fn connected(&mut self) {
        self.state = State::Idle;
    }

    /// The member has proved useful, so the next loss of it starts with short pauses again. A mere connection does not count:
    /// a member that does not list us closes it at once, for ever.
    pub(crate) fn reset(&mut self) {
        self.in_vain = 0;
    }

    /// This address worked: it comes first from now on.
    pub(crate) fn prefer(&mut self, worked: &Multiaddr) {
        if let Some(position) = self.addresses.iter().position(|address| address == worked)
            && let Some(before) = self.addresses.get_mut(..=position)
        {
            before.rotate_right(1);
        }
    }

    /// Whether there are addresses, but no attempt is set or under way.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.state == State::Idle && !self.addresses.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The middle: neither longer nor shorter.
    const NO_JITTER: u64 = 25;

    fn addresses() -> Vec<Multiaddr> {
        ["/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.1/tcp/2", "/ip4/192.0.2.1/tcp/3"].map(|a| a.parse().unwrap()).to_vec()
    }

    fn one() -> Redial {
        Redial::new(addresses()[..1].to_vec(), true)
    }

    /// Loses it now, and gives the pause until the next attempt, in milliseconds.
    fn pause(redial: &mut Redial, chance: u64) -> u128 {
        let now = Instant::now();
        redial.lost(now, chance);
        let State::Waiting(at) = redial.state else { panic!("not waiting") };
        (at - now).as_millis()
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut redial = one();
        let pauses: Vec<u128> = (0..9).map(|_| pause(&mut redial, NO_JITTER)).collect();
        assert_eq!(pauses, [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 15_000, 15_000]);
        redial.in_vain = u32::MAX;
        assert_eq!(pause(&mut redial, NO_JITTER), LONGEST_DELAY.as_millis());
    }

    #[test]
    fn chance_moves_a_pause_by_a_quarter_at_most() {
        for chance in [0, 1, 50, 51, u64::MAX] {
            let pause = pause(&mut one(), chance);
            assert!((150..=250).contains(&pause), "{chance}: {pause}");
        }
    }

    #[test]
    fn only_a_reset_makes_the_pauses_short_again() {
        let mut redial = one();
        for _ in 0..5 {
            pause(&mut redial, NO_JITTER);
            redial.connected();
        }
        assert_eq!(pause(&mut redial, NO_JITTER), 6_400);
        redial.reset();
        assert_eq!(pause(&mut redial, NO_JITTER), 200);
    }

    #[test]
    fn of_two_members_one_lets_the_other_dial_first() {
        let now = Instant::now();
        let (mut first, mut second) = (Redial::new(addresses(), true), Redial::new(addresses(), false));
        first.begin(now);
        second.begin(now);
        assert!(first.due(now).is_some());
        assert!(second.due(now).is_none());
        assert!(second.due(now + HEAD_START).is_some());
        assert!(pause(&mut second, NO_JITTER) > pause(&mut first, NO_JITTER));
    }

    #[test]
    fn an_attempt_is_begun_once() {
        let now = Instant::now();
        let mut redial = one();
        redial.begin(now);
        assert!(redial.due(now).is_some());
        assert!(redial.due(now).is_none());
        assert!(!redial.is_forgotten());
        redial.connected();
        assert!(redial.is_forgotten());
    }

    #[test]
    fn a_round_goes_over_all_addresses_and_then_pauses() {
        let now = Instant::now();
        let mut redial = Redial::new(addresses(), true);
        redial.begin(now);
        for address in addresses() {
            assert_eq!(redial.due(now), Some(address));
            redial.failed(now, NO_JITTER);
        }
        assert_eq!(redial.due(now), None);
        assert_eq!(redial.due(now + FIRST_DELAY), Some(addresses()[0].clone()));
    }

    #[test]
    fn without_addresses_nothing_is_ever_due() {
        let now = Instant::now();
        let mut redial = Redial::new(vec![], true);
        redial.begin(now);
        redial.lost(now, 0);
        redial.failed(now, 0);
        assert!(!redial.is_forgotten());
        assert!(redial.due(now + LONGEST_DELAY * 2).is_none());
    }

    #[test]
    fn the_address_that_worked_comes_first_and_the_others_keep_their_order() {
        let all = addresses();
        let mut redial = Redial::new(all.clone(), true);
        redial.prefer(&all[2]);
        assert_eq!(redial.addresses, [all[2].clone(), all[0].clone(), all[1].clone()]);
        redial.prefer(&"/ip4/192.0.2.9/tcp/9".parse().unwrap());
        redial.prefer(&all[2]);
        assert_eq!(redial.addresses, [all[2].clone(), all[0].clone(), all[1].clone()]);
    }
}
