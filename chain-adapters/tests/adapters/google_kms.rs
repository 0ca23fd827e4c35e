//! An account whose key is in Google Cloud KMS. The stand-ins speak its protocol, and that of a machine's metadata.

use crate::{
    anvil::{GENESIS, PAYER, PAYER_KEY, World, quick},
    signers::sender,
    support::{
        committee::{Signers, order, report},
        execution::{Chain, Node},
        google::{account_of, google_kms, metadata},
        kms::Trouble,
        server::Reply,
        signer::floods,
    },
};
use guardian_chain::{SignFault, SignerStats};
use guardian_protocol::CallOutcome;
use serde_json::json;

const KEY: [u8; 32] = [0x42; 32];

#[tokio::test]
async fn duties_are_paid_for_with_a_key_in_google_cloud() {
    // A token that lives on is used again; one that ends in a minute is not.
    for (seconds, tokens) in [(3_600, 1), (60, 5)] {
        let (node, kms, metadata) =
            (Node::start(Chain::default()).await, google_kms(KEY, Trouble::Nothing).await, metadata(seconds).await);
        let sender = sender(&node, account_of(KEY, &kms.url, &metadata.url));
        let signers = Signers::new(7);
        for signed in
            [10, 11].into_iter().flat_map(|epoch| [signers.sign(epoch, order(&[3])), signers.sign(epoch, report())])
        {
            let outcome = sender.submit(&signed).await;
            assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
        }
        assert_eq!((kms.asked().len(), metadata.asked().len(), node.chain().taken.len()), (5, tokens, 4));
        assert_eq!(sender.account().stats(), SignerStats { signed: 4, failed: [0; 6] });
        assert_eq!(sender.account().remote(), Some("Google Cloud KMS"));
        assert!(!format!("{:?}", sender.account()).contains("hunter2"));
    }
}

#[tokio::test]
async fn each_trouble_of_google_cloud_is_told_by_its_name() {
    let metadata = metadata(3_600).await;
    for (trouble, fault, words) in [
        (Trouble::OtherHash, SignFault::Mismatch, "not what it was asked to sign"),
        (Trouble::OtherKey, SignFault::Mismatch, "not with the key of 0x"),
        (Trouble::Stranger, SignFault::NoKey, "is that of account 0x"),
        (Trouble::Refuses(404, "NOT_FOUND"), SignFault::NoKey, "NOT_FOUND"),
        (Trouble::Refuses(403, "PERMISSION_DENIED"), SignFault::Denied, "PERMISSION_DENIED"),
        (Trouble::Refuses(400, "FAILED_PRECONDITION"), SignFault::Failed, "FAILED_PRECONDITION"),
        (Trouble::Refuses(429, "RESOURCE_EXHAUSTED"), SignFault::Failed, "HTTP 429"),
        (Trouble::Says(Reply::new(502, "text/html", "<html>")), SignFault::Failed, "HTTP 502"),
        (Trouble::Says(Reply::new(404, "text/html", "<html>")), SignFault::Malformed, "HTTP 404"),
        (Trouble::Says(Reply::json("{}")), SignFault::Malformed, "makes no sense"),
        (Trouble::Says(floods()), SignFault::Malformed, "too large"),
        (Trouble::Signs(vec![7; 64]), SignFault::Malformed, "no ECDSA signature in DER"),
        (Trouble::Knows(vec![4; 88]), SignFault::Malformed, "secp256k1"),
    ] {
        let kms = google_kms(KEY, trouble).await;
        let error = account_of(KEY, &kms.url, &metadata.url).try_out().await.unwrap_err();
        assert_eq!(error.fault(), fault, "{error}");
        assert!(error.to_string().contains(words), "`{words}` is not in `{error}`");
    }
    // A machine that is not Google's.
    let kms = google_kms(KEY, Trouble::Nothing).await;
    let error = account_of(KEY, &kms.url, &"http://127.0.0.1:1".parse().unwrap()).try_out().await.unwrap_err();
    assert_eq!(error.fault(), SignFault::Denied, "{error}");
    assert!(kms.asked().is_empty() && error.to_string().starts_with("no credentials for Google Cloud"), "{error}");
}

#[tokio::test]
async fn a_report_lands_on_a_real_evm_and_is_paid_for_by_google_cloud() {
    let Some(world) = World::start().await else { return };
    world.anvil.mine_at(GENESIS + 1_000).await;
    let (kms, metadata) = (google_kms(PAYER_KEY, Trouble::Nothing).await, metadata(3_600).await);
    let sender = world.paid_by(quick(), account_of(PAYER_KEY, &kms.url, &metadata.url));
    let outcome = sender.submit(&world.signers.sign(10, report())).await;
    assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
    assert_eq!(world.anvil.call("eth_getTransactionCount", json!([PAYER, "latest"])).await, "0x1");
}
