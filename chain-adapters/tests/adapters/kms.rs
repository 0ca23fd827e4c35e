//! An account whose key is in AWS KMS. The stand-in speaks its protocol and checks every request's signature.

use crate::{
    anvil::{GENESIS, PAYER, PAYER_KEY, World, quick},
    signers::sender,
    support::{
        committee::{Signers, order, report},
        execution::{Chain, Node},
        kms::{ACCESS_KEY, SECRET, TOKEN, Trouble, account_of, credentials, kms, refusal, sigv4, variables},
        server::{Reply, Server},
        signer::floods,
    },
};
use guardian_chain::{SignFault, SignerStats};
use guardian_protocol::CallOutcome;
use serde_json::json;
use std::collections::HashMap;

const KEY: [u8; 32] = [0x42; 32];

/// AWS's test suite for SigV4, `get-vanilla`, and the example of its documentation: the computation of these tests is right.
#[test]
fn the_stand_in_computes_the_signatures_that_aws_published() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let canonical =
        format!("GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n{empty}");
    assert_eq!(
        sigv4((SECRET, "20150830T123600Z", "us-east-1", "service"), &canonical),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    );
    let canonical = format!(
        "GET\n/\nAction=ListUsers&Version=2010-05-08\ncontent-type:application/x-www-form-urlencoded; charset=utf-8\n\
         host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n{empty}"
    );
    assert_eq!(
        sigv4((SECRET, "20150830T123600Z", "us-east-1", "iam"), &canonical),
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
}

#[tokio::test]
async fn duties_are_paid_for_with_a_key_in_aws_kms_whichever_s_it_gives() {
    let (node, kms) = (Node::start(Chain::default()).await, kms(KEY, Trouble::Nothing).await);
    let sender = sender(&node, account_of(KEY, &kms.url, credentials()));
    let signers = Signers::new(7);
    for epoch in 10..16 {
        for signed in [signers.sign(epoch, order(&[3])), signers.sign(epoch, report())] {
            let outcome = sender.submit(&signed).await;
            assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
        }
    }
    // The key is looked at once; then there is one request for each signature.
    assert_eq!((kms.asked().len(), node.chain().taken.len()), (13, 12));
    assert_eq!(sender.account().stats(), SignerStats { signed: 12, failed: [0; 6] });
    assert_eq!(sender.account().remote(), Some("AWS KMS"));
}

#[tokio::test]
async fn each_trouble_of_aws_kms_is_told_by_its_name() {
    for (trouble, fault, words) in [
        (Trouble::OtherHash, SignFault::Mismatch, "not what it was asked to sign"),
        (Trouble::OtherKey, SignFault::Mismatch, "not with the key of 0x"),
        (Trouble::Stranger, SignFault::NoKey, "is that of account 0x"),
        (Trouble::Refuses(400, "NotFoundException"), SignFault::NoKey, "HTTP 400"),
        (Trouble::Refuses(400, "com.amazonaws.kms#AccessDeniedException"), SignFault::Denied, "AccessDenied"),
        (Trouble::Refuses(400, "UnrecognizedClientException"), SignFault::Denied, "UnrecognizedClient"),
        (Trouble::Refuses(400, "ExpiredTokenException"), SignFault::Denied, "ExpiredToken"),
        (Trouble::Refuses(400, "DisabledException"), SignFault::Failed, "DisabledException"),
        (Trouble::Refuses(400, "ThrottlingException"), SignFault::Failed, "ThrottlingException"),
        (Trouble::Refuses(500, "KMSInternalException"), SignFault::Failed, "HTTP 500"),
        (Trouble::Says(Reply::new(403, "text/html", "<html>")), SignFault::Denied, "HTTP 403"),
        (Trouble::Says(Reply::new(404, "text/html", "<html>")), SignFault::Malformed, "HTTP 404"),
        (Trouble::Says(Reply::json("{}")), SignFault::Malformed, "makes no sense"),
        (Trouble::Says(floods()), SignFault::Malformed, "too large"),
        (Trouble::Signs(vec![0x30, 0]), SignFault::Malformed, "no ECDSA signature in DER"),
        (Trouble::Signs(vec![7; 64]), SignFault::Malformed, "no ECDSA signature in DER"),
        (Trouble::Knows(vec![4; 88]), SignFault::Malformed, "secp256k1"),
        (Trouble::Knows(Vec::new()), SignFault::Malformed, "secp256k1"),
    ] {
        let (node, kms) = (Node::start(Chain::default()).await, kms(KEY, trouble).await);
        let sender = sender(&node, account_of(KEY, &kms.url, credentials()));
        let error = sender.account().try_out().await.unwrap_err();
        assert_eq!(error.fault(), fault, "{error}");
        assert!(error.to_string().contains(words), "`{words}` is not in `{error}`");
        let outcome = sender.submit(&Signers::new(7).sign(10, order(&[3]))).await;
        assert!(matches!(&outcome, CallOutcome::Failed(why) if why.starts_with("not signed: ")), "{outcome:?}");
        assert!(node.chain().taken.is_empty());
    }
}

#[tokio::test]
async fn a_wrong_secret_is_denied_and_never_shown() {
    let kms = kms(KEY, Trouble::Nothing).await;
    let wrong = variables(&[("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")]);
    let account = account_of(KEY, &kms.url, wrong);
    let error = account.try_out().await.unwrap_err();
    assert_eq!(error.fault(), SignFault::Denied, "{error}");
    assert!(error.to_string().contains("InvalidSignatureException"), "{error}");
    assert!(!format!("{account:?}{error}").contains("hunter2"));
}

/// Where a machine, or a container, is told its credentials: any request for them is answered.
async fn metadata() -> Server {
    let expires = "2099-01-01T00:00:00Z";
    let credentials = json!({
        "AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET, "Token": TOKEN, "Expiration": expires, "Code": "Success",
    });
    Server::start(move |asked| match (asked.method.as_str(), asked.path()) {
        ("PUT", "/latest/api/token") => Reply::new(200, "text/plain", "imds-token"),
        ("GET", "/latest/meta-data/iam/security-credentials/") => Reply::new(200, "text/plain", "payer"),
        ("GET", "/latest/meta-data/iam/security-credentials/payer" | "/container") => {
            Reply::json(credentials.to_string())
        }
        _ => refusal(404, "", ""),
    })
    .await
}

#[tokio::test]
async fn credentials_come_from_where_the_machine_has_them() {
    let (kms, metadata) = (kms(KEY, Trouble::Nothing).await, metadata().await);
    let nowhere = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    let machine = metadata.url.as_str().trim_end_matches('/');
    let container = format!("{machine}/container");
    let file = std::env::temp_dir().join(format!("guardian-test-{}.credentials", std::process::id()));
    std::fs::write(&file, format!("[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET}\n"))
        .unwrap();
    for environment in [
        variables(&[nowhere, ("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap())]),
        variables(&[nowhere, ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &container)]),
        variables(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine)]),
    ] {
        let tried = account_of(KEY, &kms.url, environment.clone()).try_out().await;
        assert!(tried.is_ok(), "{environment:?}: {tried:?}");
    }
    std::fs::remove_file(&file).unwrap();
    let without: HashMap<_, _> = variables(&[nowhere]);
    let error = account_of(KEY, &kms.url, without).try_out().await.unwrap_err();
    assert_eq!(error.fault(), SignFault::Denied, "{error}");
    assert!(error.to_string().starts_with("no credentials for AWS"), "{error}");
}

#[tokio::test]
async fn a_report_lands_on_a_real_evm_and_is_paid_for_by_aws_kms() {
    let Some(world) = World::start().await else { return };
    world.anvil.mine_at(GENESIS + 1_000).await;
    let kms = kms(PAYER_KEY, Trouble::Nothing).await;
    let sender = world.paid_by(quick(), account_of(PAYER_KEY, &kms.url, credentials()));
    for signed in [world.signers.sign(10, report()), world.signers.sign(10, order(&[3, 5]))] {
        let outcome = sender.submit(&signed).await;
        assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
    }
    assert_eq!(world.anvil.call("eth_getTransactionCount", json!([PAYER, "latest"])).await, "0x2");
}
