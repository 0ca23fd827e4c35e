//! What a participant says of its own accord: its posts, as soon as they are due, and repetitions.

use super::Ceremony;
use crate::{
    ceremony::{
        effects::Effects,
        event::Event,
        ledger::Accepted,
        own::{NewKey, Verdict},
        plan::Purpose,
        post::{Body, Post, Step},
        record::Record,
        wire::Message,
    },
    effects::Recipient,
    types::{MemberId, Timestamp},
};
use guardian_crypto::Error;

impl Ceremony {
    /// The first record says which ceremony this is.
    pub(super) fn begin(&mut self, fx: &mut Effects) {
        if !self.begun {
            self.begun = true;
            fx.record(Record::Begun(self.ledger.rules.id));
        }
    }

    /// Posts everything that is due.
    pub(super) fn speak(&mut self, now: Timestamp, fx: &mut Effects) {
        while self.fault.is_none() || self.proof.is_some() {
            if let Some(fault) = self.ledger.decide().filter(|_| self.proof.is_none()) {
                return self.fail(now, fault, fx);
            }
            match self.due() {
                Ok(Some(body)) => {
                    if !self.post(now, body, fx) {
                        return;
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    if !self.told.stuck {
                        self.told.stuck = true;
                        fx.report(Event::Stuck { reason: error.to_string() });
                    }
                    return;
                }
            }
        }
    }

    /// The next post of ours that everything is there for.
    fn due(&mut self) -> Result<Option<Body>, Error> {
        let me = self.me;
        let posted = |ceremony: &Self, step: Step| ceremony.ledger.board.get(step, me).is_some();
        let role = |ceremony: &Self, step: Step| ceremony.ledger.rules.has_role(me, step);
        if role(self, Step::Deal) && !posted(self, Step::Deal) {
            return self.own().deal().map(Some);
        }
        if !posted(self, Step::Shares) {
            return if self.ledger.is_complete(Step::Deal) { self.own().shares().map(Some) } else { Ok(None) };
        }
        let open = !posted(self, Step::Confirm);
        if let Purpose::Repair { lost } = self.plan().purpose
            && role(self, Step::Sum)
            && !posted(self, Step::Sum)
            && open
        {
            if !self.ledger.is_settled(Step::Shares) {
                return Ok(None);
            }
            return match self.own().sum(lost)? {
                Ok(body) => Ok(Some(body)),
                Err(dealer) => self.own().complain(dealer).map(Some),
            };
        }
        if self.key.is_none()
            && self.may_judge()
            && let Some(dealer) = self.judge()?
        {
            return if open { self.own().complain(dealer).map(Some) } else { Ok(None) };
        }
        if let Some(key) = self.key.as_ref().filter(|_| open) {
            return Ok(Some(Body::Confirm { transcript: key.transcript }));
        }
        let ready = self.activated && self.proven().is_some() && !posted(self, Step::Done);
        Ok(ready.then_some(Body::Done))
    }

    /// Whether everything that is to be confirmed is here and not in doubt; or was, when this participant confirmed it.
    fn may_judge(&self) -> bool {
        match self.ledger.board.get(Step::Confirm, self.me).map(Post::body) {
            Some(Body::Confirm { transcript }) => self.ledger.transcript() == Some(*transcript),
            Some(_) => false,
            None => self.ledger.is_settled(self.ledger.last_step()),
        }
    }

    /// Judges what was dealt. Whoever dealt something wrong is returned.
    fn judge(&mut self) -> Result<Option<MemberId>, Error> {
        match self.own().verdict()? {
            Verdict::Right(key) => {
                self.key = Some(*key);
                Ok(None)
            }
            Verdict::Wrong(dealer) => Ok(Some(dealer)),
        }
    }

    pub(super) fn has_confirmed(&self, key: &NewKey) -> bool {
        let confirmation = Body::Confirm { transcript: key.transcript };
        self.ledger.board.get(Step::Confirm, self.me).is_some_and(|post| *post.body() == confirmation)
    }

    /// Signs, records and says one thing. Whether that went as it should.
    fn post(&mut self, now: Timestamp, body: Body, fx: &mut Effects) -> bool {
        let step = body.step();
        let post = Post::seal(self.ledger.rules.id, self.me, body, &self.identity);
        match self.ledger.accept(post.clone()) {
            Accepted::New => {
                if let Body::Complaint { dealer, .. } = post.body() {
                    fx.report(Event::Complaint { member: self.me, dealer: *dealer });
                }
                fx.record(Record::Post(post.clone()));
                fx.report(Event::Posted { step });
                self.say(Recipient::All, &Message::Post(post), fx);
                self.peers.stir(now);
                true
            }
            Accepted::Fault(fault) => {
                self.fail(now, *fault, fx);
                false
            }
            Accepted::Known | Accepted::Contradiction | Accepted::Refused(_) => false,
        }
    }

    /// A participant is connected: it is told what we have, and gets our own posts at once.
    pub(super) fn meet(&mut self, now: Timestamp, member: MemberId, fx: &mut Effects) {
        if !self.peers.up(now, member) {
            return;
        }
        let to = Recipient::One(member);
        for step in [Step::Deal, Step::Shares, Step::Sum, Step::Confirm, Step::Done] {
            if let Some(post) = self.ledger.board.get(step, self.me) {
                self.say(to, &Message::Post(post.clone()), fx);
            }
        }
        self.say(to, &Message::Have(self.have()), fx);
    }

    /// Says again what may have been lost, and when to be woken for the next time. Once this is over, only to those who may lack
    /// something.
    pub(super) fn repeat(&mut self, now: Timestamp, fx: &mut Effects) {
        let mut to = self.peers.connected();
        if self.is_over() {
            let lacking = self.lacking();
            if lacking.is_empty() {
                return;
            }
            to.retain(|member| lacking.contains(member));
        }
        if self.peers.is_time(now) {
            let have = Message::Have(self.have());
            for member in to {
                self.say(Recipient::One(member), &have, fx);
            }
            let mut out = Vec::new();
            if let Some(session) = &self.session {
                session.resend(&mut out);
            }
            self.carry_out(now, out, fx);
        }
        fx.wake(self.peers.next());
    }
}
