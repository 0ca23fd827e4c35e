//! Sealed files: opened by the right passphrase for the right purpose, and otherwise told apart.

use guardian_crypto::{
    seal::{MAX_SEALED, Purpose, PurposeKind, SealError, Work, open, purpose_of, seal},
    secret::Secret,
};
use std::sync::LazyLock;

const SECRET: &[u8] = b"thirty-two bytes of a dear secret";

/// A sealed file as version 1 wrote it. It must open for ever.
const GOLDEN: &str = concat!(
    "677561726469616e2d7365616c65642f31206b65792d7368617265206f776e65723d616c696365206b65792d65706f63",
    "683d332073697a653d3234380a6167652d656e6372797074696f6e2e6f72672f76310a2d3e207363727970742061502b",
    "62626c7a426c764d2b336d3155446a7454676720380a4257446963392b564e6468636f532f517156443264596e725536",
    "535848446c48614f7963305757356a396f0a2d2d2d204342796434394f422f744f454b4358787a376d565531664b4573",
    "50422f335450596d5a2b424f5032792f6f0a1b94059c7f4d20c93f4dd57c93df475629c3b86aa3e21dfdcd31cc1d5cf6",
    "8293c58958e0b4287308eef664eb28c687632b35931d1440f2d0bc2b4f5864d88f227ee7aa8c82f40f288bac23c8f896",
    "356bbb09434223e87fb12ac2376e2d93ed5c6fd52f",
);

static SEALED: LazyLock<Vec<u8>> = LazyLock::new(|| seal(&purpose(), &secret(), &passphrase(), Work::Devnet).unwrap());

fn purpose() -> Purpose {
    Purpose { kind: PurposeKind::KeyShare, owner: "alice".into(), key_epoch: 3 }
}

fn secret() -> Secret<Vec<u8>> {
    Secret::new(SECRET.to_vec())
}

fn passphrase() -> Secret<String> {
    Secret::new("open sesame".into())
}

fn refused(expected: &Purpose, bytes: &[u8]) -> SealError {
    open(expected, bytes, &passphrase()).map(|_| ()).unwrap_err()
}

/// The first line replaced, the rest as it was.
fn with_line(change: impl Fn(&str) -> String) -> Vec<u8> {
    let end = SEALED.iter().position(|byte| *byte == b'\n').unwrap();
    let line = change(std::str::from_utf8(&SEALED[..end]).unwrap());
    [line.as_bytes(), &SEALED[end..]].concat()
}

#[test]
fn what_was_sealed_is_opened() {
    assert_eq!(open(&purpose(), &SEALED, &passphrase()).unwrap().expose(), SECRET);
    assert_eq!(purpose_of(&SEALED), Ok(purpose()));
    assert!(SEALED.starts_with(b"guardian-sealed/1 key-share owner=alice key-epoch=3 size="));
    assert!(!SEALED.windows(8).any(|window| SECRET.windows(8).any(|part| part == window)));
    let all_bytes: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    for kind in PurposeKind::ALL {
        let purpose = Purpose { kind, owner: "A-z_0.9".into(), key_epoch: u64::MAX };
        let sealed = seal(&purpose, &Secret::new(all_bytes.clone()), &passphrase(), Work::Devnet).unwrap();
        assert_eq!(*open(&purpose, &sealed, &passphrase()).unwrap().expose(), all_bytes);
    }
}

#[test]
fn the_golden_file_still_opens() {
    let bytes = alloy_primitives::hex::decode(GOLDEN).unwrap();
    assert_eq!(open(&purpose(), &bytes, &passphrase()).unwrap().expose(), SECRET);
}

#[test]
fn sealing_twice_gives_different_files() {
    assert_ne!(*SEALED, seal(&purpose(), &secret(), &passphrase(), Work::Devnet).unwrap());
}

#[test]
fn another_passphrase_is_told_apart() {
    for wrong in ["open sesame ", "Open sesame", "x"] {
        let outcome = open(&purpose(), &SEALED, &Secret::new(wrong.into()));
        assert_eq!(outcome.map(|_| ()), Err(SealError::WrongPassphrase));
    }
}

#[test]
fn a_file_cut_short_anywhere_is_told_apart() {
    assert_eq!(refused(&purpose(), &[]), SealError::Empty);
    for length in 1..SEALED.len() {
        assert_eq!(refused(&purpose(), &SEALED[..length]), SealError::Truncated, "length {length}");
    }
}

#[test]
fn a_file_for_something_else_is_told_apart() {
    let others = [
        Purpose { kind: PurposeKind::Identity, ..purpose() },
        Purpose { owner: "bob".into(), ..purpose() },
        Purpose { key_epoch: 4, ..purpose() },
    ];
    for other in others {
        let wrong = SealError::WrongPurpose { expected: Box::new(other.clone()), found: Box::new(purpose()) };
        assert_eq!(refused(&other, &SEALED), wrong);
        // Even if somebody rewrites the first line to what is expected.
        let renamed = with_line(|line| line.replace(&purpose().to_string(), &other.to_string()));
        assert_eq!(purpose_of(&renamed), Ok(other.clone()));
        assert_eq!(refused(&other, &renamed), wrong);
    }
}

#[test]
fn any_changed_byte_is_an_error() {
    let body = SEALED.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for at in 0..SEALED.len() {
        let mut changed = SEALED.clone();
        changed[at] ^= 1;
        let error = refused(&purpose(), &changed);
        if at >= body {
            let expected =
                matches!(error, SealError::Damaged(_) | SealError::WrongPassphrase | SealError::TooCostly { .. });
            assert!(expected, "byte {at}: {error}");
        }
    }
    let appended = [SEALED.as_slice(), b"x"].concat();
    assert!(matches!(refused(&purpose(), &appended), SealError::Damaged(_)));
}

#[test]
fn other_versions_and_other_files_are_told_apart() {
    let newer = with_line(|line| line.replace("sealed/1", "sealed/2"));
    assert_eq!(refused(&purpose(), &newer), SealError::UnsupportedVersion("2".into()));
    for other in [&b"{\"crypto\":{}}\n"[..], b"-----BEGIN AGE ENCRYPTED FILE-----\n", &[0xff; 4096], b"\n", b"x"] {
        assert_eq!(refused(&purpose(), other), SealError::NotSealed);
    }
    assert_eq!(refused(&purpose(), &vec![b'g'; MAX_SEALED + 1]), SealError::TooLarge);
}

#[test]
fn the_first_line_has_one_spelling() {
    let changes: [fn(&str) -> String; 6] = [
        |line| line.replace("key-epoch=3", "key-epoch=03"),
        |line| line.replace("key-epoch=3", "key-epoch=+3"),
        |line| line.replace("size=", "size=0"),
        |line| line.replace("owner=alice", "owner=alice extra=1"),
        |line| format!("{line} "),
        |line| line.replace("key-share", "key-shares"),
    ];
    for change in changes {
        let error = refused(&purpose(), &with_line(change));
        assert!(matches!(error, SealError::Damaged(_)), "{error}");
    }
}

#[test]
fn a_file_that_demands_too_much_work_is_refused_before_it_is_done() {
    let text = String::from_utf8_lossy(&SEALED).into_owned();
    let stanza = text.lines().find(|line| line.starts_with("-> scrypt ")).unwrap();
    // The work is the last word; the salt before it may begin with the same digit.
    let costly = format!("{} 19", stanza.strip_suffix(" 8").unwrap());
    let at = SEALED.windows(stanza.len()).position(|window| window == stanza.as_bytes()).unwrap();
    let body = SEALED.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let changed = [&SEALED[body..at], costly.as_bytes(), &SEALED[at + stanza.len()..]].concat();
    let line = format!("guardian-sealed/1 {} size={}\n", purpose(), changed.len());
    let changed = [line.as_bytes(), &changed].concat();
    assert_eq!(refused(&purpose(), &changed), SealError::TooCostly { log_n: 19, limit: 18 });
}

#[test]
fn nothing_is_sealed_for_nobody_with_nothing() {
    let sealing = |purpose: &Purpose, secret: &[u8], passphrase: &str| {
        let (secret, passphrase) = (Secret::new(secret.to_vec()), Secret::new(passphrase.to_owned()));
        seal(purpose, &secret, &passphrase, Work::Devnet).unwrap_err()
    };
    assert_eq!(sealing(&purpose(), b"", "x"), SealError::Empty);
    assert_eq!(sealing(&purpose(), b"x", ""), SealError::NoPassphrase);
    for owner in ["", "two words", "new\nline", "umläut", "a=b", &"x".repeat(65)] {
        let purpose = Purpose { owner: owner.into(), ..purpose() };
        assert_eq!(sealing(&purpose, b"x", "x"), SealError::InvalidOwner, "{owner:?}");
    }
    assert_eq!(open(&purpose(), &SEALED, &Secret::new(String::new())).map(|_| ()), Err(SealError::NoPassphrase));
}

#[test]
fn operators_files_open_too() {
    let sealed = seal(&purpose(), &secret(), &passphrase(), Work::Operator).unwrap();
    assert_eq!(open(&purpose(), &sealed, &passphrase()).unwrap().expose(), SECRET);
}
