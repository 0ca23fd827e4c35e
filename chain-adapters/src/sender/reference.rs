//! What is done where the chain tells another root for a reference slot than the one that was signed. It does so when the payload of a
//! beacon block after the slot was withheld (EIP-7732): there is no execution block then at which the root could have been told, and the
//! next one tells the root of that later block. Its header and those before it, back to the reference slot, prove the signed root to the contract.
//!
//! Headers prove themselves by their hashes, so one honest beacon node is enough, and nothing is sent that does not end in the signed root.

use super::{Goal, Sender, Submission, most::most, node::Trial};
use crate::{
    beacon::{client::BeaconClient, state::header_root},
    config::{Endpoint, Limits},
    contracts::reference::{BeaconHeader, GAS_CAP, MOST_HEADERS, proof},
    error::{Error, Layer},
    http::Http,
    providers::checked,
};
use alloy::primitives::B256;
use guardian_protocol::Duty;
use std::collections::BTreeSet;

impl Sender {
    /// The same, with beacon nodes that are asked for headers where a contract wants a reference root proved. Connects to nothing yet.
    ///
    /// # Errors
    /// [`Error`] if the list of endpoints is not usable.
    pub fn with_beacons(mut self, limits: Limits, endpoints: &[Endpoint]) -> Result<Self, Error> {
        self.beacons = checked(Layer::Beacon, endpoints)?
            .iter()
            .map(|endpoint| Ok(BeaconClient::new(Http::new(endpoint.clone(), limits)?)))
            .collect::<Result<_, Error>>()?;
        Ok(self)
    }

    /// What proves the reference root of `duty` to the contract that refuses it in `submission`; `None` if it refuses for another reason, or
    /// no beacon node has headers that prove it.
    pub(super) async fn proof_of_reference(&self, duty: &Duty, submission: &Submission) -> Option<Submission> {
        let slot = duty.reference_slot.0;
        for told in self.other_roots(submission).await {
            let Some(headers) = self.headers_back(told, slot).await else { continue };
            // The last one is the block that the slot's root should be of.
            let Some(root) = headers.last().and_then(root_of) else { continue };
            if root != duty.reference_root {
                continue;
            }
            tracing::info!(
                slot,
                headers = headers.len(),
                "the chain tells another root: proving the one that was signed"
            );
            let (to, data) = (submission.to, submission.data.clone());
            let goal = Goal::Proved { to, data };
            return Some(Submission {
                goal,
                to,
                data: proof(slot, headers),
                value: 0,
                gas_cap: GAS_CAP,
                urgent: submission.urgent,
            });
        }
        None
    }

    /// What the nodes' contracts say that the root is.
    async fn other_roots(&self, submission: &Submission) -> BTreeSet<B256> {
        let asked =
            self.nodes.iter().map(|node| (&node.slow, node.trial(self.address(), submission.to, &submission.data, 0)));
        let answers = most(asked, Result::is_ok).await.into_iter();
        let other = answers.filter_map(|(_, answer)| match answer {
            Ok(Trial::OtherRoot { actual, .. }) => Some(actual),
            Ok(Trial::Passes(_) | Trial::Stale | Trial::Refused(_)) | Err(_) => None,
        });
        other.collect()
    }

    /// The header of the block with the root `told`, and those before it back to the last one up to `slot`.
    async fn headers_back(&self, told: B256, slot: u64) -> Option<Vec<BeaconHeader>> {
        let (mut root, mut headers) = (told, Vec::new());
        while headers.len() < MOST_HEADERS {
            let header = self.header(root).await?;
            let (parent, is_last) = (header.parentRoot, header.slot <= slot);
            headers.push(header);
            if is_last {
                return Some(headers);
            }
            root = parent;
        }
        None
    }

    /// The header with this root from the first beacon node that has it.
    async fn header(&self, root: B256) -> Option<BeaconHeader> {
        for beacon in &self.beacons {
            let Ok(said) = beacon.whole_header(root).await else { continue };
            let header = BeaconHeader {
                slot: said.slot.0,
                proposerIndex: said.proposer_index.0,
                parentRoot: said.parent_root.0.into(),
                stateRoot: said.state_root.0.into(),
                bodyRoot: said.body_root.0.into(),
            };
            if root_of(&header) == Some(root) {
                return Some(header);
            }
            tracing::warn!(provider = beacon.http.name(), %root, "a beacon node gave another header than that of the root");
        }
        None
    }
}

fn root_of(header: &BeaconHeader) -> Option<B256> {
    header_root(&header.ssz()).map(B256::from)
}
