//! What guardians say to each other: envelopes, signing messages, proofs of cheating; and a guardian that hears them.
//!
//! Members 1 and 2 are honest. Whatever the fuzzer finds is said by member 3, who signs it properly, so that nothing stops at the
//! signature. What must hold: what decodes is encoded as it was, nothing panics, and nobody but member 3 is ever convicted.

use guardian_crypto::{
    frost::signing::{self, Commitments, SignatureShare, SigningPackage},
    identity::IdentityKey,
};
use guardian_protocol::{
    AppendRecords, BootId, Committee, DutyId, DutyKind, Effects, Envelope, Epoch, Fault, Guardian, Input, Record,
    Secrets, Setup, Subject, Timestamp,
    testing::{self, Commitment, CommitmentLabel, Dealt, EnvelopeError, Message, Package, Share, member as id},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{convert::Infallible, sync::LazyLock};

/// Two of three, and what an honest member has said: all that a liar has to work with.
pub struct World {
    dealt: Dealt,
    /// An honest package of the liar, in its envelope.
    pub package: Vec<u8>,
    /// Member 1's answer to it, in its envelope.
    pub share: Vec<u8>,
    /// Member 1's commitment for the liar.
    pub commitment: Commitment,
}

impl World {
    fn committee(&self) -> &Committee {
        &self.dealt.committee
    }
}

/// See [`World`].
pub static WORLD: LazyLock<World> = LazyLock::new(World::new);

const LIAR: u16 = 3;
const ENVELOPE: &str = "GUARDIAN/envelope/v1";
const BOOT: BootId = BootId { number: 7, name: [7; 16] };
const DIGEST: [u8; 32] = [6; 32];

/// The first byte chooses what the others are taken for.
pub fn run(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind % 5 {
        0 => envelope(bytes),
        1 => body(bytes),
        2 => fault(bytes),
        3 => accusation(bytes),
        _ => hearing(bytes),
    }
}

/// Bytes as they come from the network.
fn envelope(bytes: &[u8]) {
    let world = &*WORLD;
    let read = Envelope::read(bytes, world.committee());
    if let Ok(envelope) = &read {
        assert!(bytes.len() <= Envelope::MAX_BYTES);
        assert_eq!(envelope.encode(), bytes, "one message, one encoding");
        assert_eq!(Envelope::sender_of(bytes), Some(envelope.sender()));
        assert_eq!(Envelope::open(bytes, envelope.sender(), world.committee()).as_ref(), Ok(envelope));
    }
}

/// The same under a signature that holds.
fn body(bytes: &[u8]) {
    let world = &*WORLD;
    let unsigned = [&[Envelope::VERSION][..], &LIAR.to_le_bytes(), bytes].concat();
    let signature = identity(LIAR).sign(ENVELOPE, &[world.committee().id().as_slice(), &unsigned].concat());
    let sealed = [unsigned.as_slice(), &signature.to_bytes()].concat();
    match Envelope::open(&sealed, id(LIAR), world.committee()) {
        Ok(envelope) => {
            assert_eq!(envelope.encode(), sealed, "one message, one encoding");
            assert_eq!(borsh::to_vec(envelope.message()).ok().as_deref(), Some(bytes));
            envelope_is_used(&envelope);
        }
        Err(EnvelopeError::Corrupt(_)) => assert!(borsh::from_slice::<Message>(bytes).is_err()),
        Err(EnvelopeError::UnknownKind(kind)) => assert_eq!(bytes.first(), Some(&kind)),
        Err(EnvelopeError::TooLarge(length)) => assert!(length > Envelope::MAX_BYTES),
        Err(other) => panic!("a signature that holds was refused: {other}"),
    }
}

fn envelope_is_used(envelope: &Envelope) {
    let committee = WORLD.committee();
    match envelope.message() {
        Message::Announcement(announcement) if announcement.is_of(id(LIAR)) => {
            for commitment in &announcement.commitments {
                if commitment.is_genuine(announcement.duty, announcement.digest, committee) {
                    assert_eq!(commitment.owner, id(LIAR));
                }
            }
        }
        Message::Package(package) => {
            let _ = (package.hash(), package.owners().count());
            convicts_only_the_liar(&Fault::Package { package: envelope.encode() });
        }
        Message::Fault(fault) => convicts_only_the_liar(fault),
        _ => {}
    }
}

/// A proof as it lies in a store or in a file.
fn fault(bytes: &[u8]) {
    if let Ok(fault) = Fault::decode(bytes) {
        assert!(bytes.len() <= Fault::MAX_BYTES);
        assert_eq!(fault.encode(), bytes, "one proof, one encoding");
        convicts_only_the_liar(&fault);
    }
}

/// Proofs put together from the liar's words and an honest member's.
fn accusation(bytes: &[u8]) {
    let world = &*WORLD;
    let mut parts = parts(bytes);
    let package = parts.next().and_then(|bytes| borsh::from_slice::<Package>(bytes).ok());
    let share = parts.next().and_then(|bytes| borsh::from_slice::<Share>(bytes).ok());
    let package = package.map_or_else(|| world.package.clone(), |package| sealed(Message::Package(package)));
    convicts_only_the_liar(&Fault::Package { package: package.clone() });
    convicts_only_the_liar(&Fault::Share { package: package.clone(), share: world.share.clone() });
    if let Some(share) = share {
        convicts_only_the_liar(&Fault::Share { package, share: sealed(Message::Share(share)) });
        let (duty, digest) = (share.duty, share.package);
        for signature in [share.next.signature, world.commitment.signature] {
            let commitment = Commitment { signature, ..share.next };
            convicts_only_the_liar(&Fault::Commitment { duty, digest, commitment });
        }
    }
}

/// A guardian hears one message after the other.
fn hearing(bytes: &[u8]) {
    let world = &*WORLD;
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let records = vec![Record::Floor { epoch: Epoch(0), is_settled: true }];
    let mut now = Timestamp(1_000_000);
    let Ok(mut guardian) = Guardian::restore(now, world.setup(), world.secrets(1), records, &mut rng) else {
        panic!("an honest guardian does not start");
    };
    let mut effects = Effects::default();
    guardian.step(now, Input::PeerUp(id(LIAR)), &mut rng, &mut effects);
    for part in parts(bytes).take(16) {
        let Ok(message) = borsh::from_slice::<Message>(part) else { continue };
        now = Timestamp(now.0.saturating_add(50));
        let said = Input::Heard { from: id(LIAR), bytes: sealed(message) };
        guardian.step(now, said, &mut rng, &mut effects);
    }
    assert!(guardian.faults().all(|(culprit, _)| culprit == id(LIAR)));
    let Ok(released) = effects.commit(&mut Lasting);
    for outgoing in released.messages {
        let bytes = outgoing.envelope.encode();
        assert!(bytes.len() <= Envelope::MAX_BYTES);
        assert!(Envelope::open(&bytes, id(1), world.committee()).is_ok(), "what leaves is of this member");
    }
    let _ = format!("{:?}", (released.events, guardian.status()));
}

fn convicts_only_the_liar(fault: &Fault) {
    if let Ok((culprit, _)) = fault.verify(WORLD.committee()) {
        assert_eq!(culprit, id(LIAR), "an honest member was convicted");
        assert_eq!(fault.accused(), Some(culprit));
    }
}

fn sealed(message: Message) -> Vec<u8> {
    Envelope::seal(id(LIAR), message, WORLD.committee(), &identity(LIAR)).encode()
}

/// Pieces, each behind its length in two bytes.
pub fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_le_bytes(*length)).min(after.len());
        let (part, after) = after.split_at_checked(length)?;
        rest = after;
        Some(part)
    })
}

fn identity(number: u16) -> IdentityKey {
    WORLD.dealt.identity(id(number))
}

/// Records that outlast nothing; each is read again as it was written.
pub struct Lasting;

impl AppendRecords for Lasting {
    type Error = Infallible;

    fn append(&mut self, records: &[Record]) -> Result<(), Infallible> {
        for record in records {
            assert_eq!(Record::decode(&record.encode()).as_ref(), Ok(record));
        }
        Ok(())
    }
}

impl World {
    fn new() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let dealt = Dealt::new(3, 2, 1);
        let (committee, identity) = (&dealt.committee, |number: u16| dealt.identity(id(number)));
        let (first, liar) = (dealt.share(id(1)), dealt.share(id(LIAR)));
        let duty = DutyId {
            kind: DutyKind::Reserves,
            period: Epoch(9),
            subject: Subject::Whole,
            key_epoch: committee.key_epoch(),
        };
        let commit = |owner: u16, points: Commitments| {
            let label = CommitmentLabel { owner: id(owner), coordinator: id(LIAR), boot: BOOT, index: 1 };
            Commitment::seal((duty, DIGEST.into()), label, points, committee, &identity(owner))
        };
        let (nonces, honest) = signing::commit(&first, &mut rng).expect("a share can commit");
        let (_, own) = signing::commit(&liar, &mut rng).expect("a share can commit");
        let commitments = vec![commit(1, honest), commit(LIAR, own)];
        let prepared = commitments.iter().map(|c| (c.owner, c.points)).collect();
        let prepared = SigningPackage::new(DIGEST, &prepared).expect("two are enough");
        let answer: SignatureShare = signing::sign(nonces, &prepared, &first).expect("an honest answer");
        let package = Package { duty, digest: DIGEST.into(), commitments };
        let share = Share { duty, package: package.hash(), share: answer, next: package.commitments[0] };
        let commitment = package.commitments[0];
        let seal = |sender: u16, message| Envelope::seal(id(sender), message, committee, &identity(sender)).encode();
        let (package, share) = (seal(LIAR, Message::Package(package)), seal(1, Message::Share(share)));
        Self { dealt, package, share, commitment }
    }

    /// What member 1 is told at its start.
    pub fn setup(&self) -> Setup {
        testing::setup(self.committee().clone(), id(1))
    }

    /// What `member` keeps to itself.
    pub fn secrets(&self, member: u16) -> Secrets {
        self.dealt.secrets(id(member))
    }
}
