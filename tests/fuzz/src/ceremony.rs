//! What takes part in a key ceremony: plans, transcripts, proofs, messages; and a participant that hears them.
//!
//! Members 2 and 3 are honest. What the fuzzer finds is posted by member 1, who signs it properly and coordinates the test signature.
//! What must hold: what decodes is encoded as it was, nothing panics, and nobody but member 1 is ever convicted.

use crate::messages::parts;
use guardian_crypto::{identity::IdentityKey, secret::Secret};
use guardian_protocol::{
    AppendRecords, KeyEpoch, MemberId, Recipient, Timestamp,
    ceremony::{
        Authorisation, Body, Ceremony, Effects, Evidence, Fault, Input, Participant, Plan, Post, Purpose, Record, Step,
        Transcript, authorisation, recover,
        signing::{Commitment, Message as Signing, Package, Share, Terms},
        wire::{self, Have, Message},
    },
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{collections::BTreeMap, convert::Infallible, sync::LazyLock};

const LIAR: u16 = 1;
const NOW: Timestamp = Timestamp(1_000_000);

/// A ceremony that three honest members finished.
pub struct World {
    /// Two of three, a new key.
    pub plan: Plan,
    /// Everything that member 2 recorded.
    pub records: Vec<Record>,
    /// What came out.
    pub transcript: Transcript,
}

/// See [`World`].
pub static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// The first byte chooses what the others are taken for.
pub fn run(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind % 7 {
        0 => plan(bytes),
        1 => transcript(bytes),
        2 => fault(bytes),
        3 => message(bytes),
        4 => posts(bytes),
        5 => signing(bytes),
        _ => authorising(bytes),
    }
}

fn plan(bytes: &[u8]) {
    if let Ok(plan) = Plan::decode(bytes) {
        assert_eq!(plan.encode(), bytes, "one plan, one encoding");
        if plan.check().is_ok() {
            assert!(plan.participants().len() <= usize::from(guardian_crypto::member::MAX_MEMBERS) * 2);
            assert!(plan.signers().iter().all(|signer| plan.participants().contains_key(signer)));
        }
    }
}

fn transcript(bytes: &[u8]) {
    if let Ok(transcript) = Transcript::decode(bytes) {
        assert!(bytes.len() <= Transcript::MAX_BYTES);
        assert_eq!(transcript.encode(), bytes, "one transcript, one encoding");
        let world = &*WORLD;
        if let Ok(public) = transcript.verify(&world.plan) {
            assert_eq!(Ok(public.group_key()), world.transcript.verify(&world.plan).map(|public| public.group_key()));
            let share = recover(&world.plan, &identity(2), &transcript).expect("what holds gives its share back");
            assert!(share.belongs_to(&public).is_ok());
        }
    }
}

fn fault(bytes: &[u8]) {
    if let Ok(fault) = Fault::decode(bytes) {
        assert_eq!(fault.encode(), bytes, "one proof, one encoding");
        convicts_only_the_liar(&fault);
    }
    if let Ok(evidence) = borsh::from_slice::<Evidence>(bytes) {
        let evidence = signed_anew(evidence);
        for culprit in 1..=3 {
            let fault = borsh::to_vec(&(WORLD.plan.id(), id(culprit), &evidence)).expect("memory takes everything");
            let fault = Fault::decode(&[&[Fault::VERSION], fault.as_slice()].concat()).expect("the layout of a fault");
            convicts_only_the_liar(&fault);
        }
    }
}

fn convicts_only_the_liar(fault: &Fault) {
    if fault.verify(&WORLD.plan).is_ok() {
        assert_eq!(fault.culprit(), id(LIAR), "an honest member was convicted");
    }
}

/// The fuzzer's evidence with the liar's posts signed by the liar, and the honest members' as they were.
fn signed_anew(evidence: Evidence) -> Evidence {
    let world = &*WORLD;
    let honest = |post: &Post| {
        let same = |known: &Post| (known.author(), known.step()) == (post.author(), post.step());
        world.records.iter().find_map(|record| match record {
            Record::Post(known) if same(known) => Some(known.clone()),
            _ => None,
        })
    };
    let anew = |post: Post| match post.author() == id(LIAR) {
        true => Post::seal(world.plan.id(), id(LIAR), post.body().clone(), &identity(LIAR)),
        false => honest(&post).unwrap_or(post),
    };
    match evidence {
        Evidence::Equivocation { first, second } => Evidence::Equivocation { first: anew(first), second: anew(second) },
        Evidence::BadPost(post) => Evidence::BadPost(anew(post)),
        Evidence::Share { deal, shares, complaint } => {
            Evidence::Share { deal: anew(deal), shares: anew(shares), complaint: anew(complaint) }
        }
        Evidence::Sum { deals, shares, sum, complaint } => {
            let deals = deals.into_iter().map(anew).collect();
            Evidence::Sum { deals, shares: anew(shares), sum: anew(sum), complaint: anew(complaint) }
        }
        other @ Evidence::Signing { .. } => other,
    }
}

/// Bytes as they come from the network.
fn message(bytes: &[u8]) {
    let id = WORLD.plan.id();
    let framed = [&[wire::VERSION][..], id.0.as_slice(), bytes].concat();
    if let Ok(message) = wire::decode::<Message>(id, &framed) {
        assert!(framed.len() <= wire::MAX_BYTES);
        assert_eq!(wire::encode(id, &message), framed, "one message, one encoding");
        let mut participant = Listener::at(Step::Shares);
        participant.hear(&message);
        participant.is_honest();
    }
    let _ = wire::decode::<Message>(id, bytes);
}

/// A participant that has everything up to some step hears posts of that step and later ones.
fn posts(bytes: &[u8]) {
    let Some((stage, bytes)) = bytes.split_first() else { return };
    let mut participant = Listener::at(step(*stage));
    let id = WORLD.plan.id();
    for part in parts(bytes).take(8) {
        let Ok(body) = borsh::from_slice::<Body>(part) else { continue };
        assert_eq!(borsh::to_vec(&body).ok().as_deref(), Some(part), "one body, one encoding");
        let post = Post::seal(id, self::id(LIAR), body, &identity(LIAR));
        participant.hear(&Message::Post(post));
    }
    participant.is_honest();
}

/// A participant that is asked to sign.
fn signing(bytes: &[u8]) {
    let mut participant = Listener::at(Step::Done);
    for part in parts(bytes).take(8) {
        let Ok(message) = borsh::from_slice::<Signing>(part) else { continue };
        let Some(terms) = participant.ceremony.session().cloned() else { break };
        participant.hear(&Message::Signing(signed(message, &terms, participant.commitment)));
    }
    participant.is_honest();
}

/// Messages of a committee that signs for a rotation.
fn authorising(bytes: &[u8]) {
    let world = &*WORLD;
    let Ok(committee) = world.transcript.verify(&world.plan).map(|public| world.plan.committee(public)) else { return };
    let (Ok(committee), Ok(share)) = (committee, recover(&world.plan, &identity(2), &world.transcript)) else { return };
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let digest = [5; 32].into();
    let name = Authorisation::id_of(&committee, digest);
    let (Ok(mut machine), mut fx) =
        (Authorisation::new(NOW, committee, digest, id(2), identity(2), share, &mut rng), Effects::default())
    else {
        panic!("an honest member can't sign");
    };
    machine.step(NOW, Input::PeerUp(id(LIAR)), &mut rng, &mut fx);
    for part in parts(bytes).take(8) {
        if let Ok(message) = borsh::from_slice::<authorisation::Message>(part) {
            let bytes = wire::encode(name, &message);
            assert_eq!(wire::decode(name, &bytes), Ok(message));
            machine.step(NOW, Input::Heard { from: id(LIAR), bytes }, &mut rng, &mut fx);
        }
    }
    assert!(machine.signature().is_none(), "one honest member of three signed alone");
}

/// Member 2, as it stands when everything but the liar's post of some step is there.
struct Listener {
    ceremony: Ceremony,
    rng: ChaCha20Rng,
    now: Timestamp,
    /// The last nonce commitment that left it.
    commitment: Option<Commitment>,
}

impl Listener {
    fn at(step: Step) -> Self {
        let world = &*WORLD;
        let known = |record: &&Record| match record {
            Record::Begun(_) => true,
            Record::Post(post) => post.step() < step || (post.step() == step && post.author() != id(LIAR)),
            Record::Proof(_) | Record::Fault(_) => false,
        };
        let records: Vec<Record> = world.records.iter().filter(known).cloned().collect();
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let restored = Ceremony::restore(NOW, world.plan.clone(), id(2), identity(2), None, records, &mut rng);
        let ceremony = restored.expect("what an honest member recorded is taken back");
        let mut listener = Self { ceremony, rng, now: NOW, commitment: None };
        listener.step(Input::PeerUp(id(LIAR)));
        listener
    }

    fn hear(&mut self, message: &Message) {
        let bytes = wire::encode(WORLD.plan.id(), message);
        self.step(Input::Heard { from: id(LIAR), bytes });
    }

    fn step(&mut self, input: Input) {
        let mut fx = Effects::default();
        self.now = Timestamp(self.now.0.saturating_add(300));
        self.ceremony.step(self.now, input, &mut self.rng, &mut fx);
        let Ok(released) = fx.commit(&mut Lasting::default());
        for outgoing in released.messages {
            assert!(outgoing.bytes.len() <= wire::MAX_BYTES);
            match wire::decode(WORLD.plan.id(), &outgoing.bytes) {
                Ok(Message::Signing(Signing::Commitment(commitment))) => self.commitment = Some(commitment),
                Ok(Message::Signing(Signing::Share(share))) => self.commitment = Some(share.next),
                Ok(_) => {}
                Err(error) => panic!("what leaves can't be read: {error}"),
            }
        }
    }

    fn is_honest(&self) {
        if let Some(fault) = self.ceremony.fault() {
            assert_eq!(fault.culprit(), id(LIAR), "an honest member was convicted");
            assert_eq!(fault.verify(&WORLD.plan), Ok(()));
        }
        let _ = format!("{:?}", self.ceremony.status(self.now));
    }
}

/// The fuzzer's message, signed by the liar where it is the liar's to sign, with the honest members' real commitments.
fn signed(message: Signing, terms: &Terms, theirs: Option<Commitment>) -> Signing {
    let commitment = |c: Commitment| match c.owner.get() {
        2 => theirs.unwrap_or(c),
        owner @ (1 | 3) => Commitment::seal(terms, (c.owner, c.boot, c.index), c.points, &identity(owner)),
        _ => c,
    };
    match message {
        Signing::Commitment(c) => Signing::Commitment(commitment(c)),
        Signing::Package(package) => {
            let commitments = package.commitments.into_iter().map(commitment).collect();
            Signing::Package(Package::seal(terms, id(LIAR), commitments, &identity(LIAR)))
        }
        Signing::Share(share) => {
            let what = (id(LIAR), share.package);
            Signing::Share(Share::seal(terms, what, share.share, commitment(share.next), &identity(LIAR)))
        }
    }
}

fn step(number: u8) -> Step {
    [Step::Deal, Step::Shares, Step::Confirm, Step::Done][usize::from(number % 4)]
}

fn id(number: u16) -> MemberId {
    MemberId::new(number).expect("numbers count from 1")
}

fn identity(number: u16) -> IdentityKey {
    let [high, low] = number.to_be_bytes();
    let mut seed = [7; 32];
    seed[..2].copy_from_slice(&[high, low]);
    IdentityKey::from_seed(Secret::new(seed))
}

#[derive(Default)]
struct Lasting(Vec<Record>);

impl AppendRecords<Record> for Lasting {
    type Error = Infallible;

    fn append(&mut self, records: &[Record]) -> Result<(), Infallible> {
        for record in records {
            assert_eq!(Record::decode(&record.encode()).as_ref(), Ok(record));
        }
        self.0.extend_from_slice(records);
        Ok(())
    }
}

impl World {
    fn new() -> Self {
        let member = |number: u16| Participant {
            id: id(number),
            name: format!("guardian-{number}"),
            identity: identity(number).public(),
        };
        // The members of the golden vectors, in a ceremony of their own: in those, member 2 breaks the rules.
        let plan = Plan {
            purpose: Purpose::Generate,
            label: "fuzz".to_owned(),
            attempt: 1,
            rehearse: false,
            key_epoch: KeyEpoch(1),
            threshold: 2,
            members: (1..=3).map(member).collect(),
            current: None,
            proof_of_possession_for: None,
        };
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let mut seats = BTreeMap::new();
        for number in 1..=3 {
            let (key, plan) = (identity(number), plan.clone());
            let ceremony = Ceremony::restore(NOW, plan, id(number), key, None, [], &mut rng).expect("a sound plan");
            seats.insert(id(number), (ceremony, Lasting::default()));
        }
        talk(&mut seats, &mut rng);
        let (ceremony, log) = seats.remove(&id(2)).expect("member 2 took part");
        let outcome = ceremony.outcome().expect("three honest members make a key");
        Self { plan, records: log.0, transcript: outcome.transcript }
    }
}

/// Everybody hears everybody until the key is made and everybody has said so.
fn talk(seats: &mut BTreeMap<MemberId, (Ceremony, Lasting)>, rng: &mut ChaCha20Rng) {
    let everybody: Vec<MemberId> = seats.keys().copied().collect();
    let mut bag: Vec<(MemberId, Input)> = Vec::new();
    for me in &everybody {
        bag.extend(everybody.iter().filter(|other| *other != me).map(|other| (*me, Input::PeerUp(*other))));
    }
    for round in 0_u64..60 {
        let now = Timestamp(NOW.0 + 300 * round);
        if round == 30 {
            bag.extend(everybody.iter().map(|member| (*member, Input::Activated)));
        }
        bag.extend(everybody.iter().map(|member| (*member, Input::Woke)));
        for (member, input) in std::mem::take(&mut bag) {
            let Some((ceremony, log)) = seats.get_mut(&member) else { continue };
            let mut fx = Effects::default();
            ceremony.step(now, input, rng, &mut fx);
            let Ok(released) = fx.commit(log);
            for out in released.messages {
                let to = everybody
                    .iter()
                    .filter(|to| **to != member && matches!(out.to, Recipient::All) || out.to == Recipient::One(**to));
                bag.extend(to.map(|to| (*to, Input::Heard { from: member, bytes: out.bytes.clone() })));
            }
        }
    }
}

/// A participant's list of everything that member 2 has, for the corpus.
pub fn everything() -> Have {
    let posts = WORLD.records.iter().filter_map(|record| match record {
        Record::Post(post) => Some(post.hash(WORLD.plan.id())),
        _ => None,
    });
    let mut posts: Vec<_> = posts.collect();
    posts.sort_unstable();
    Have { posts, proven: true, failed: false }
}
