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

/// The attempts to reach one member.
#[derive(Debug)]
pub(crate) struct Redial {
    addresses: Vec<Multiaddr>,
    /// Of two members, the one with the smaller peer id dials first.
    first: bool,
    attempts: u32,
    state: State,
}

impl Redial {
    pub(crate) fn new(addresses: Vec<Multiaddr>, first: bool) -> Self {
        Self { addresses, first, attempts: 0, state: State::Idle }
    }

    /// At the start of the process: at once, or after the head start of the other.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.wait(now, if self.first { Duration::ZERO } else { HEAD_START });
    }

    /// The connection is gone or could not be made: sets the next attempt. `chance` is any number.
    pub(crate) fn schedule(&mut self, now: Instant, chance: u64) {
        let doubled = FIRST_DELAY.saturating_mul(2_u32.saturating_pow(self.attempts)).min(LONGEST_DELAY);
        // Between three and five quarters of it.
        let percent = 75 + u32::try_from(chance % 51).unwrap_or(0);
        let jittered = doubled.saturating_mul(percent) / 100;
        let behind = if self.first || self.attempts > 0 { Duration::ZERO } else { HEAD_START };
        self.wait(now, jittered.saturating_add(behind));
    }

    fn wait(&mut self, now: Instant, delay: Duration) {
        self.state = if self.addresses.is_empty() { State::Idle } else { State::Waiting(now + delay) };
    }

    /// The addresses to dial now, if it is time; the attempt counts as begun.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Vec<Multiaddr>> {
        match self.state {
            State::Waiting(at) if at <= now => {
                self.state = State::Dialling;
                self.attempts = self.attempts.saturating_add(1);
                Some(self.addresses.clone())
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
        self.attempts = 0;
    }

    /// This address worked: it comes first from now on.
    pub(crate) fn prefer(&mut self, worked: &Multiaddr) {
        if let Some(position) = self.addresses.iter().position(|address| address == worked)
            && let Some(before) = self.addresses.get_mut(..=position)
        {
            before.rotate_right(1);
        }
    }

    /// Whether an attempt is set or under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Whether there is anything to dial.
    pub(crate) fn has_addresses(&self) -> bool {
        !self.addresses.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Vec<Multiaddr> {
        ["/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.1/tcp/2", "/ip4/192.0.2.1/tcp/3"].map(|a| a.parse().unwrap()).to_vec()
    }

    /// The pause after the attempts so far, for one `chance`.
    fn pause(redial: &mut Redial, chance: u64) -> Duration {
        let now = Instant::now();
        redial.schedule(now, chance);
        let State::Waiting(at) = redial.state else { panic!("not waiting") };
        at - now
    }

    fn attempt(redial: &mut Redial) {
        let now = Instant::now();
        redial.begin(now);
        redial.due(now + HEAD_START).unwrap();
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut redial = Redial::new(addresses(), true);
        // 25 % 51 gives 100 percent.
        let pauses: Vec<u128> = (0..9)
            .map(|_| {
                let pause = pause(&mut redial, 25);
                attempt(&mut redial);
                pause.as_millis()
            })
            .collect();
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 6400, 12800, 15000, 15000]);
        redial.attempts = u32::MAX;
        assert_eq!(pause(&mut redial, 25), LONGEST_DELAY);
    }

    #[test]
    fn chance_moves_a_pause_by_a_quarter_at_most() {
        let mut redial = Redial::new(addresses(), true);
        for chance in [0, 1, 50, 51, u64::MAX] {
            let pause = pause(&mut redial, chance).as_millis();
            assert!((150..=250).contains(&pause), "{chance}: {pause}");
        }
    }

    #[test]
    fn only_a_reset_makes_the_pauses_short_again() {
        let mut redial = Redial::new(addresses(), true);
        (0..5).for_each(|_| attempt(&mut redial));
        redial.connected();
        assert_eq!(pause(&mut redial, 25).as_millis(), 6400);
        redial.reset();
        assert_eq!(pause(&mut redial, 25), FIRST_DELAY);
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
    }

    #[test]
    fn an_attempt_is_begun_once() {
        let now = Instant::now();
        let mut redial = Redial::new(addresses(), true);
        redial.begin(now);
        assert!(redial.due(now).is_some());
        assert!(redial.due(now).is_none());
        assert!(!redial.is_idle());
        redial.connected();
        assert!(redial.is_idle());
    }

    #[test]
    fn without_addresses_nothing_is_ever_due() {
        let now = Instant::now();
        let mut redial = Redial::new(vec![], true);
        redial.begin(now);
        redial.schedule(now, 0);
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
