//! An account whose key this process does not have: what a web3signer that signs is good for, and what one that lies, fails or is away can
//! do. The key is with a server that speaks its protocol.

use crate::{
    anvil::{GENESIS, PAYER, PAYER_KEY, World, quick},
    support::{
        committee::{Signers, network, order, report},
        contracts, endpoint,
        execution::{Chain, Node},
        limits,
        server::Server,
        signer::{Manners, access, account_of, address_of, answer, drips, floods, says, web3signer},
        tls::{Authority, guarded},
    },
};
use alloy::primitives::{Address, U256};
use guardian_chain::{Account, Limits, Sender, SenderConfig, SignFault, SignerStats, Web3SignerAccess};
use guardian_crypto::secret::Secret;
use guardian_protocol::CallOutcome;
use serde_json::json;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use url::Url;

const KEY: [u8; 32] = [0x42; 32];

pub(crate) fn sender(node: &Node, account: Account) -> Sender {
    let config = SenderConfig { poll_interval: Duration::from_millis(10), ..SenderConfig::default() };
    let endpoints = [endpoint("node", &node.server.url)];
    Sender::new(config, limits(), &endpoints, &network(7), contracts(), account).unwrap()
}

#[tokio::test]
async fn a_duty_is_paid_for_with_a_key_that_is_not_here() {
    for manners in [Manners::Good, Manners::HighS] {
        let (node, signer) = (Node::start(Chain::default()).await, web3signer(KEY, manners).await);
        let sender = sender(&node, account_of(KEY, &signer.url));
        let signers = Signers::new(7);
        for signed in [signers.sign(10, order(&[3])), signers.sign(10, report())] {
            let outcome = sender.submit(&signed).await;
            assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
        }
        // The key's name is asked for once.
        let asked = signer.asked();
        assert_eq!(asked.iter().filter(|asked| asked.starts_with("GET")).count(), 1, "{asked:?}");
        assert_eq!((asked.len(), node.chain().taken.len()), (3, 2));
        assert_eq!(sender.account().stats(), SignerStats { signed: 2, failed: [0; 6] });
        assert_eq!(sender.account().remote(), Some("web3signer"));
    }
}

/// What a sender with the key behind a web3signer with these manners makes of it; nothing may have been sent.
async fn refused(manners: Manners) -> String {
    let (node, signer) = (Node::start(Chain::default()).await, web3signer(KEY, manners).await);
    let sender = sender(&node, account_of(KEY, &signer.url));
    let outcome = sender.submit(&Signers::new(7).sign(10, order(&[3]))).await;
    let CallOutcome::Failed(why) = outcome else { panic!("{outcome:?}") };
    assert!(node.chain().taken.is_empty(), "{why}");
    assert_eq!((sender.account().stats().signed, sender.account().stats().failed.iter().sum::<u64>()), (0, 1));
    why
}

#[tokio::test]
async fn a_signature_of_anything_else_sends_nothing() {
    let another = [
        Manners::Another(|transaction| transaction.value = U256::from(1)),
        Manners::Another(|transaction| transaction.to = Address::repeat_byte(9).into()),
        Manners::Another(|transaction| transaction.chain_id = 1),
        Manners::Another(|transaction| transaction.nonce += 1),
        Manners::Another(|transaction| transaction.max_fee_per_gas *= 2),
        Manners::Another(|transaction| transaction.input = transaction.input[4..].to_vec().into()),
        Manners::OtherKey,
    ];
    for manners in another {
        let why = refused(manners).await;
        assert!(why.contains("not what it was asked to sign, or not with the key of 0x"), "{why}");
    }
}

#[tokio::test]
async fn each_trouble_of_a_signer_is_told_by_its_name() {
    let signature = "0x".to_owned() + &"11".repeat(64);
    for (manners, fault, words) in [
        (Manners::WithoutKey, SignFault::NoKey, "it has those of 0x"),
        (Manners::AlwaysSays(says(200, "[]")), SignFault::NoKey, "none at all"),
        (Manners::Says(says(404, "no such key")), SignFault::NoKey, "HTTP 404: no such key"),
        (Manners::Says(says(401, "who are you")), SignFault::Denied, "HTTP 401: who are you"),
        (Manners::AlwaysSays(says(403, "not you")), SignFault::Denied, "HTTP 403: not you"),
        (Manners::Says(says(500, "the vault is shut")), SignFault::Failed, "HTTP 500: the vault is shut"),
        (Manners::Says(says(429, "later")), SignFault::Failed, "HTTP 429"),
        (Manners::AlwaysSays(says(307, "elsewhere")), SignFault::Failed, "HTTP 307"),
        (Manners::AlwaysSays(says(404, "nginx")), SignFault::Malformed, "HTTP 404: nginx"),
        (Manners::AlwaysSays(says(200, "<html>")), SignFault::Malformed, "list of keys"),
        (Manners::AlwaysSays(floods()), SignFault::Malformed, "too large"),
        (Manners::Says(says(200, "yes\u{1b}[2J")), SignFault::Malformed, "no signature of 65 bytes: HTTP 200: yes [2J"),
        (Manners::Says(says(200, &signature)), SignFault::Malformed, "no signature of 65 bytes"),
        (Manners::Says(floods()), SignFault::Malformed, "too large"),
        (Manners::Says(says(200, &format!("{signature}1b"))), SignFault::Mismatch, "not with the key of 0x"),
        (Manners::Says(drips()), SignFault::Unreachable, "no answer within"),
    ] {
        let signer = web3signer(KEY, manners.clone()).await;
        let error = account_of(KEY, &signer.url).try_out().await.unwrap_err();
        assert_eq!(error.fault(), fault, "{error}");
        assert!(error.to_string().contains(words), "`{words}` is not in `{error}`");
        assert!(error.hint().contains("signer") || error.hint().contains("[account]"), "{}", error.hint());
        let why = refused(manners).await;
        assert!(why.starts_with("not signed: ") && why.contains(words), "{why}");
    }
    let nowhere = account_of(KEY, &"http://127.0.0.1:1".parse().unwrap());
    assert_eq!(nowhere.try_out().await.unwrap_err().fault(), SignFault::Unreachable);
}

#[tokio::test]
async fn a_signer_that_forgot_the_key_and_has_it_again_signs_again() {
    let loaded = Arc::new(Mutex::new(true));
    let is_loaded = Arc::clone(&loaded);
    let signer = Server::start(move |asked| {
        let manners = if *is_loaded.lock().unwrap() { Manners::Good } else { Manners::Says(says(404, "")) };
        answer(KEY, &manners, asked)
    })
    .await;
    let account = account_of(KEY, &signer.url);
    account.try_out().await.unwrap();
    *loaded.lock().unwrap() = false;
    assert_eq!(account.try_out().await.unwrap_err().fault(), SignFault::NoKey);
    *loaded.lock().unwrap() = true;
    account.try_out().await.unwrap();
    assert_eq!(account.stats(), SignerStats { signed: 2, failed: [0, 0, 1, 0, 0, 0] });
}

#[tokio::test]
async fn credentials_are_sent_to_the_signer_and_shown_to_nobody() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&seen);
    let signer = Server::start(move |asked| {
        heard.lock().unwrap().push(asked.header("authorization").to_owned());
        says(401, "alice, hunter2-hunter2, hunter3-hunter3 may not")
    })
    .await;
    let mut url = signer.url.clone();
    url.set_username("alice").unwrap();
    url.set_password(Some("hunter2-hunter2")).unwrap();
    let basic = access(&url);
    let bearer = Web3SignerAccess { bearer: Some(Secret::new("hunter3-hunter3".to_owned())), ..access(&signer.url) };
    for (access, secret) in [(basic, "hunter2-hunter2"), (bearer, "hunter3-hunter3")] {
        let account = Account::at_web3signer(Address::ZERO, &access, limits()).unwrap();
        let error = account.try_out().await.unwrap_err();
        let shown = format!("{error} {error:?} {account:?} {access:?}");
        assert!(shown.contains("may not") && !shown.contains(secret), "{shown}");
    }
    assert_eq!(*seen.lock().unwrap(), ["Basic YWxpY2U6aHVudGVyMi1odW50ZXIy", "Bearer hunter3-hunter3"]);
}

#[tokio::test]
async fn a_signer_that_asks_for_certificates_lets_in_who_has_one_and_must_have_the_right_one_itself() {
    let (ours, others) = (Authority::new(), Authority::new());
    let signer = guarded(&ours, |asked| answer(KEY, &Manners::Good, asked)).await;
    let tried = async |authorities: Option<Vec<u8>>, identity: Option<Vec<u8>>| {
        let access = Web3SignerAccess { authorities, identity: identity.map(Secret::new), ..access(&signer.url) };
        Account::at_web3signer(address_of(KEY), &access, limits()).unwrap().try_out().await
    };
    assert_eq!(tried(Some(ours.pem()), Some(ours.identity())).await, Ok(()));
    for (authorities, identity) in [
        // The signer is not of an authority that this system knows, or of another one than it should be.
        (None, Some(ours.identity())),
        (Some(others.pem()), Some(ours.identity())),
        // This node shows nothing, or nothing that the signer knows.
        (Some(ours.pem()), None),
        (Some(ours.pem()), Some(others.identity())),
    ] {
        let error = tried(authorities, identity).await.unwrap_err();
        assert_eq!(error.fault(), SignFault::Unreachable, "{error}");
        assert!(error.hint().contains("certificates"), "{}", error.hint());
    }
}

#[test]
fn malformed_certificates_and_tokens_are_refused_at_the_start() {
    let url: Url = "https://signer.example".parse().unwrap();
    let with = |change: fn(&mut Web3SignerAccess)| {
        let mut access = access(&url);
        change(&mut access);
        Account::at_web3signer(Address::ZERO, &access, Limits::default()).unwrap_err()
    };
    for error in [
        with(|access| access.authorities = Some(Vec::new())),
        with(|access| {
            access.authorities = Some(b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n".to_vec())
        }),
        with(|access| access.identity = Some(Secret::new(b"nonsense".to_vec()))),
        with(|access| access.bearer = Some(Secret::new("two\nlines".to_owned()))),
    ] {
        let text = error.to_string();
        assert!(!text.contains("two") && !error.hint().is_empty(), "{text}");
    }
}

#[tokio::test]
async fn a_signed_duty_lands_on_a_real_evm_and_a_lying_signer_costs_nothing() {
    let Some(world) = World::start().await else { return };
    world.anvil.mine_at(GENESIS + 1_000).await;
    let (report, order) = (world.signers.sign(10, report()), world.signers.sign(10, order(&[3, 5])));

    let thief = web3signer(PAYER_KEY, Manners::Another(|transaction| transaction.value = U256::MAX)).await;
    let outcome = world.paid_by(quick(), account_of(PAYER_KEY, &thief.url)).submit(&report).await;
    assert!(matches!(&outcome, CallOutcome::Failed(why) if why.starts_with("not signed")), "{outcome:?}");
    let count = || world.anvil.call("eth_getTransactionCount", json!([PAYER, "pending"]));
    assert_eq!(count().await, "0x0");

    let signer = web3signer(PAYER_KEY, Manners::Good).await;
    let sender = world.paid_by(quick(), account_of(PAYER_KEY, &signer.url));
    for signed in [report, order] {
        let outcome = sender.submit(&signed).await;
        let CallOutcome::Included { transaction, .. } = outcome else { panic!("{outcome:?}") };
        let receipt = world.anvil.call("eth_getTransactionReceipt", json!([transaction])).await;
        assert_eq!(receipt["from"].as_str().unwrap().parse::<Address>().unwrap(), PAYER);
    }
    assert_eq!(count().await, "0x2");
}
