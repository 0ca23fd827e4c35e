//! What is known of each member: its connections, whether it can be reached, what it may still send. Pure: the swarm's events
//! come in, answers go out; the time is an argument.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use libp2p::{PeerId, request_response::OutboundRequestId, swarm::ConnectionId};

use super::{
    outbound::Outbound,
    processes::{Process, Processes},
    redial::Redial,
};
use crate::{Limits, limits::rate::Allowance};

/// A member that dials us while our own dial to it is younger than this has dialled at the same moment.
const SIMULTANEOUS: Duration = Duration::from_secs(3);

/// A connected member subscribes within two round trips. One that has not by then never will on this connection.
const SUBSCRIBES_WITHIN: Duration = Duration::from_secs(4);

/// Who connects says at once which of the member's processes it is. It is heard before its connection is closed for a fresh start.
const IDENTIFIES_WITHIN: Duration = Duration::from_secs(1);

/// How long the broadcasts of a member that exceeds its allowance are dropped unseen. Without it, gossipsub would remember an
/// identifier for each of them.
const MUTED: Duration = Duration::from_secs(1);

/// The members, ourselves not included.
pub(crate) type Peers = BTreeMap<PeerId, Peer>;

/// One connection to a member.
#[derive(Debug)]
struct Connection {
    id: ConnectionId,
    inbound: bool,
    since: Instant,
}

/// One member.
#[derive(Debug)]
pub(crate) struct Peer {
    connections: Vec<Connection>,
    subscribed: bool,
    /// We are closing its connections.
    given_up: bool,
    /// When they are closed at the latest, because it connected anew: so that it is heard first who that was.
    fresh_start: Option<Instant>,
    processes: Processes,
    /// Counts how often the member became reachable; zero before the first time.
    sessions: u64,
    /// The session that the application knows of, if it takes the member for connected.
    reported: Option<u64>,
    /// What it wrote and delivered itself, on both channels.
    own: Allowance,
    /// Its broadcasts that others passed on: apart, so that nobody can use up its allowance by repeating its old messages.
    passed_on: Allowance,
    /// Broadcasts of others that it passed on. As large as all of theirs together: an honest member never exceeds it.
    passing_on: Allowance,
    /// Broadcasts of its own that we pass on.
    forwarded: Allowance,
    muted_until: Option<Instant>,
    pub(crate) outbound: Outbound<OutboundRequestId>,
    pub(crate) redial: Redial,
}

/// What the application should be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Connected,
    Disconnected,
}

impl Peer {
    pub(crate) fn new(redial: Redial, limits: &Limits, members: usize, now: Instant) -> Self {
        let others = u32::try_from(members).unwrap_or(u32::MAX).max(1);
        Self {
            connections: Vec::new(),
            subscribed: false,
            given_up: false,
            fresh_start: None,
            processes: Processes::default(),
            sessions: 0,
            reported: None,
            own: Allowance::new(limits, 1, now),
            passed_on: Allowance::forwarded(limits, 1, now),
            passing_on: Allowance::forwarded(limits, others, now),
            forwarded: Allowance::forwarded(limits, 1, now),
            muted_until: None,
            outbound: Outbound::new(limits.peer_queue, limits.peer_queue_bytes, limits.peer_in_flight),
            redial,
        }
    }

    /// A connection was made. False when the member has dialled us although it has a connection, so it must have lost that
    /// one, as after a restart: all are to be closed, so that it starts afresh. (Keeping the new one is not enough: gossipsub
    /// announces subscriptions on the first one only.) A member dials when it has no connection, one address at a time; so
    /// the only innocent case is that we dialled at the same moment.
    #[must_use]
    pub(crate) fn connected(&mut self, id: ConnectionId, inbound: bool, now: Instant) -> bool {
        let lost = inbound && self.connections.iter().any(|older| older.inbound || older.age(now) > SIMULTANEOUS);
        self.connections.push(Connection { id, inbound, since: now });
        self.redial.connected();
        self.given_up |= lost;
        if lost {
            self.fresh_start.get_or_insert(now + IDENTIFIES_WITHIN);
        }
        !lost
    }

    /// A connection ended. True when it was the last one.
    pub(crate) fn disconnected(&mut self, id: ConnectionId) -> bool {
        self.connections.retain(|connection| connection.id != id);
        let last = self.connections.is_empty();
        if last {
            self.subscribed = false;
            self.given_up = false;
            self.fresh_start = None;
        }
        last
    }

    /// Which process is at the other end of a connection. True if that proves that two of them live.
    pub(crate) fn identified(&mut self, id: ConnectionId, process: Process) -> bool {
        let since = self.connections.iter().find(|connection| connection.id == id).map(|connection| connection.since);
        since.is_some_and(|since| self.processes.met(process, since))
    }

    /// True, once, when all connections are to be closed, so that the member starts afresh: it has connected anew, and `newest` is heard
    /// (`None`: whether or not it is, if it took too long).
    pub(crate) fn starts_afresh(&mut self, newest: Option<ConnectionId>, now: Instant) -> bool {
        let heard = newest.is_some() && newest == self.connections.last().map(|connection| connection.id);
        self.fresh_start.take_if(|latest| heard || *latest <= now).is_some()
    }

    /// It subscribed to the broadcasts: what we broadcast from now on reaches it.
    pub(crate) fn subscribed(&mut self) {
        if !self.subscribed && self.is_connected() {
            self.subscribed = true;
            self.sessions = self.sessions.saturating_add(1);
            self.redial.reset();
        }
    }

    /// True, once, when it is connected but has not subscribed for so long that only a new connection can help.
    pub(crate) fn give_up(&mut self, now: Instant) -> bool {
        let overdue = self.connections.iter().any(|connection| connection.age(now) > SUBSCRIBES_WITHIN);
        let in_vain = overdue && !self.subscribed && !self.given_up;
        self.given_up |= in_vain;
        in_vain
    }

    pub(crate) fn is_connected(&self) -> bool {
        !self.connections.is_empty()
    }

    /// Both channels work.
    pub(crate) fn is_reachable(&self) -> bool {
        self.subscribed
    }

    /// The next thing to tell the application, if what it knows is out of date; call [`Self::reported`] when it is told.
    pub(crate) fn news(&self) -> Option<Report> {
        let current = self.subscribed.then_some(self.sessions);
        match self.reported {
            Some(_) if self.reported != current => Some(Report::Disconnected),
            None if current.is_some() => Some(Report::Connected),
            Some(_) | None => None,
        }
    }

    /// The application was told.
    pub(crate) fn reported(&mut self, report: Report) {
        self.reported = match report {
            Report::Connected => Some(self.sessions),
            Report::Disconnected => None,
        };
    }

    /// Charges a message that this member wrote and delivered itself.
    pub(crate) fn admit_own(&mut self, bytes: usize, now: Instant) -> bool {
        self.own.admit(bytes, now)
    }

    /// Charges a broadcast that it wrote and that we are about to pass on.
    pub(crate) fn admit_forwarded(&mut self, bytes: usize, now: Instant) -> bool {
        self.forwarded.admit(bytes, now)
    }

    /// Starts to ignore its broadcasts. True when they were not ignored before.
    pub(crate) fn mute(&mut self, now: Instant) -> bool {
        self.muted_until.replace(now + MUTED).is_none()
    }

    /// True when its broadcasts are to be listened to again: the time is over, or it is gone.
    pub(crate) fn unmute(&mut self, now: Instant) -> bool {
        let over = self.muted_until.is_some_and(|until| until <= now || !self.is_connected());
        if over {
            self.muted_until = None;
        }
        over
    }
}

impl Connection {
    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }
}

/// A broadcast beyond what somebody may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Excess {
    /// Whose allowance is used up.
    pub(crate) of: PeerId,
    /// Whether it is the deliverer, who could have known better.
    pub(crate) mute: bool,
}

/// Charges a broadcast: to its author when the author delivers it; otherwise to the deliverer and to what others may pass on
/// of this author.
pub(crate) fn admit_broadcast(
    peers: &mut Peers,
    deliverer: PeerId,
    author: PeerId,
    bytes: usize,
    now: Instant,
) -> Result<(), Excess> {
    let mut charge = |of, mute, allowance: fn(&mut Peer) -> &mut Allowance| {
        let admitted = peers.get_mut(&of).is_some_and(|peer| allowance(peer).admit(bytes, now));
        if admitted { Ok(()) } else { Err(Excess { of, mute }) }
    };
    if author == deliverer {
        return charge(author, true, |peer| &mut peer.own);
    }
    charge(deliverer, true, |peer| &mut peer.passing_on)?;
    charge(author, false, |peer| &mut peer.passed_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(now: Instant) -> Peer {
        Peer::new(Redial::new(vec![], true), &Limits::default(), 3, now)
    }

    fn id(number: usize) -> ConnectionId {
        ConnectionId::new_unchecked(number)
    }

    fn reachable(now: Instant) -> Peer {
        let mut peer = peer(now);
        assert!(peer.connected(id(1), true, now));
        peer.subscribed();
        peer
    }

    #[test]
    fn a_member_is_connected_from_subscription_to_its_last_connection() {
        let now = Instant::now();
        let mut peer = peer(now);
        assert!(peer.connected(id(1), true, now));
        assert!(peer.connected(id(2), false, now));
        assert_eq!(peer.news(), None);
        peer.subscribed();
        assert_eq!(peer.news(), Some(Report::Connected));
        peer.reported(Report::Connected);
        assert!(!peer.disconnected(id(1)));
        assert_eq!(peer.news(), None);
        assert!(peer.disconnected(id(2)));
        assert_eq!(peer.news(), Some(Report::Disconnected));
        peer.reported(Report::Disconnected);
        assert_eq!(peer.news(), None);
    }

    #[test]
    fn a_loss_is_reported_even_when_the_member_is_back() {
        let now = Instant::now();
        let mut peer = reachable(now);
        peer.reported(Report::Connected);
        assert!(peer.disconnected(id(1)));
        assert!(peer.connected(id(2), true, now));
        peer.subscribed();
        assert_eq!(peer.news(), Some(Report::Disconnected));
        peer.reported(Report::Disconnected);
        assert_eq!(peer.news(), Some(Report::Connected));
        peer.reported(Report::Connected);
        assert_eq!(peer.news(), None);
    }

    #[test]
    fn a_member_that_dials_us_twice_has_lost_the_first_connection() {
        let now = Instant::now();
        let mut peer = reachable(now);
        assert!(!peer.connected(id(2), true, now));
    }

    #[test]
    fn a_member_that_dials_us_while_we_dial_it_has_lost_nothing() {
        let now = Instant::now();
        for (ours, theirs) in [(0, SIMULTANEOUS.as_millis()), (1_000, 0)] {
            let at = |milliseconds| now + Duration::from_millis(u64::try_from(milliseconds).unwrap());
            let mut peer = peer(now);
            let mut dials = [(id(1), false, at(ours)), (id(2), true, at(theirs))];
            dials.sort_by_key(|(_, _, at)| *at);
            assert!(dials.into_iter().all(|(id, inbound, at)| peer.connected(id, inbound, at)));
        }
    }

    #[test]
    fn a_late_dial_of_a_member_means_it_lost_our_connection() {
        let now = Instant::now();
        let mut peer = peer(now);
        assert!(peer.connected(id(1), false, now));
        assert!(!peer.connected(id(2), true, now + SIMULTANEOUS + Duration::from_millis(1)));
    }

    #[test]
    fn our_own_late_dial_is_no_sign_of_a_lost_connection() {
        let now = Instant::now();
        let mut peer = reachable(now);
        assert!(peer.connected(id(2), false, now + SIMULTANEOUS * 2));
    }

    #[test]
    fn a_connection_without_subscription_is_given_up_after_a_while() {
        let now = Instant::now();
        let later = now + SUBSCRIBES_WITHIN + Duration::from_millis(1);
        let mut peer = peer(now);
        assert!(!peer.give_up(later));
        assert!(peer.connected(id(1), true, now));
        assert!(!peer.give_up(now + SUBSCRIBES_WITHIN));
        assert!(peer.give_up(later));
        assert!(!peer.give_up(later), "once is enough");
        assert!(!reachable(now).give_up(later));
    }

    #[test]
    fn muting_ends_with_time_or_with_the_connection() {
        let now = Instant::now();
        let mut peer = reachable(now);
        assert!(peer.mute(now));
        assert!(!peer.mute(now));
        assert!(!peer.unmute(now));
        assert!(peer.unmute(now + MUTED));
        assert!(!peer.unmute(now + MUTED));
        assert!(peer.mute(now));
        peer.disconnected(id(1));
        assert!(peer.unmute(now));
    }

    #[test]
    fn far_less_of_a_members_broadcasts_is_passed_on_than_it_may_send() {
        let now = Instant::now();
        let limits = Limits::default();
        let mut peer = reachable(now);
        let largest = limits.broadcast_bytes;
        let sent = (0..1_000).filter(|_| peer.admit_own(largest, now)).count();
        let forwarded = (0..1_000).filter(|_| peer.admit_forwarded(largest, now)).count();
        assert!(forwarded >= 1 && forwarded * 4 <= sent, "{forwarded} of {sent}");
        let hour = now + Duration::from_secs(3_600);
        assert!(peer.admit_forwarded(largest, hour), "as long as it lasts");
    }

    fn committee(now: Instant) -> (Peers, PeerId, PeerId) {
        let (one, other) = (PeerId::random(), PeerId::random());
        ([(one, reachable(now)), (other, reachable(now))].into(), one, other)
    }

    #[test]
    fn an_author_that_floods_is_muted_and_others_are_not_charged() {
        let now = Instant::now();
        let (mut peers, flooder, other) = committee(now);
        let burst = Limits::default().message_burst;
        assert!((0..burst).all(|_| admit_broadcast(&mut peers, flooder, flooder, 1, now).is_ok()));
        assert_eq!(admit_broadcast(&mut peers, flooder, flooder, 1, now), Err(Excess { of: flooder, mute: true }));
        assert_eq!(admit_broadcast(&mut peers, other, other, 1, now), Ok(()));
    }

    #[test]
    fn repeating_a_members_messages_does_not_use_up_its_allowance() {
        let now = Instant::now();
        let (mut peers, victim, attacker) = committee(now);
        let burst = Limits::default().message_burst;
        assert!((0..burst).all(|_| admit_broadcast(&mut peers, attacker, victim, 1, now).is_ok()));
        assert_eq!(admit_broadcast(&mut peers, attacker, victim, 1, now), Err(Excess { of: victim, mute: false }));
        assert_eq!(admit_broadcast(&mut peers, victim, victim, 1, now), Ok(()));
        assert!(peers.get_mut(&victim).unwrap().admit_own(1, now));
    }

    #[test]
    fn who_passes_on_more_than_everybody_may_send_is_muted() {
        let now = Instant::now();
        let (mut peers, victim, attacker) = committee(now);
        let everybody = Limits::default().message_burst * 3;
        for _ in 0..everybody {
            assert_ne!(
                admit_broadcast(&mut peers, attacker, victim, 1, now).err().map(|excess| excess.mute),
                Some(true)
            );
        }
        assert_eq!(admit_broadcast(&mut peers, attacker, victim, 1, now), Err(Excess { of: attacker, mute: true }));
    }
}
