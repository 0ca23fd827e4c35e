//! Hostile answers to `eth_getLogs`.

use super::*;
use alloy::primitives::{Address, B256, Bytes, LogData, U256, b256};
use guardian_protocol::{BlsPubkey, testing::contracts};

/// Of `SuccessfullyProvisioned(bytes,uint256,bytes32)`.
const PROVISIONED: B256 = b256!("0x96cbbd073e24b0a7d0cab7dc347c239e52be23c1b44ce240b3b929821fed19a4");
const TO: BlockRef = BlockRef { number: 20, hash: B256::repeat_byte(20), timestamp: 0 };

fn log(block: u64, index: u64, key: u8) -> Log {
    let mut data = [U256::from(32).to_be_bytes::<32>(), U256::from(48).to_be_bytes()].concat();
    data.extend([key; 48]);
    data.extend([0; 16]);
    let data = LogData::new_unchecked(vec![PROVISIONED, B256::ZERO, B256::ZERO], Bytes::from(data));
    Log {
        inner: alloy::primitives::Log { address: contracts().protocol, data },
        block_hash: Some(B256::repeat_byte(u8::try_from(block).unwrap())),
        block_number: Some(block),
        log_index: Some(index),
        ..Log::default()
    }
}

fn decoded(logs: Vec<Log>) -> Result<Vec<ProtocolEvent>, ReadFailure> {
    decode(logs, &contracts(), 10..=20, TO)
}

#[test]
fn events_come_in_chain_order_whatever_the_order_of_the_answer() {
    let provisioned = |key| ProtocolEvent::Provisioned(BlsPubkey::repeat_byte(key));
    let answer = decoded(vec![log(20, 0, 4), log(10, 7, 2), log(10, 1, 1), log(11, 0, 3)]);
    assert_eq!(answer.unwrap(), [1, 2, 3, 4].map(provisioned));
}

#[test]
fn a_log_that_was_not_asked_for_spoils_the_answer() {
    let change = |change: fn(&mut Log)| {
        let mut log = log(20, 0, 1);
        change(&mut log);
        log
    };
    for (what, wrong) in [
        ("before the range", log(9, 0, 1)),
        ("after the range", log(21, 0, 1)),
        ("removed", change(|log| log.removed = true)),
        ("pending", change(|log| log.block_number = None)),
        ("without place", change(|log| log.log_index = None)),
        ("without block", change(|log| log.block_hash = None)),
        ("another branch", change(|log| log.block_hash = Some(B256::ZERO))),
        ("another contract", change(|log| log.inner.address = Address::ZERO)),
        ("another event", change(|log| log.inner.data = LogData::new_unchecked(vec![B256::ZERO], Bytes::new()))),
        ("no topic", change(|log| log.inner.data = LogData::default())),
        ("no key", change(|log| log.inner.data.data = Bytes::new())),
    ] {
        let answer = decoded(vec![log(11, 0, 1), wrong]);
        assert!(matches!(answer, Err(ReadFailure::Malformed(_))), "{what}");
    }
    assert!(matches!(decoded(vec![log(11, 3, 1), log(11, 3, 2)]), Err(ReadFailure::Malformed(_))));
}
