// The validator client: interop keys 0..ONLINE-1 propose, attest, aggregate and sign for the sync committee over the standard
// beacon API. The others stay offline. Own code: @lodestar/validator is not on the registry.
import {getClient} from "@lodestar/api";
import {createBeaconConfig} from "@lodestar/config";
import {
  DOMAIN_AGGREGATE_AND_PROOF, DOMAIN_BEACON_ATTESTER, DOMAIN_BEACON_PROPOSER, DOMAIN_CONTRIBUTION_AND_PROOF, DOMAIN_RANDAO,
  DOMAIN_SELECTION_PROOF, DOMAIN_SYNC_COMMITTEE, DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF, SLOTS_PER_EPOCH, SYNC_COMMITTEE_SIZE, SYNC_COMMITTEE_SUBNET_COUNT,
} from "@lodestar/params";
import {computeEpochAtSlot, computeSigningRoot, interopSecretKeys, isAggregatorFromCommitteeLength, isSyncCommitteeAggregator} from "@lodestar/state-transition";
import {ssz, sszTypesFor} from "@lodestar/types";
import {chainConfig, makeLogger} from "./config.mjs";
import {patiently, settings} from "./settings.mjs";

const logger = makeLogger("validators");
const keys = interopSecretKeys(settings.online);
const indices = keys.map((_, i) => i);
const online = (index) => index < settings.online;
const sleepUntil = (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms - Date.now())));
const slotMs = settings.seconds * 1000;

let api = getClient({baseUrl: `http://127.0.0.1:${settings.restPort}`}, {config: createBeaconConfig(chainConfig, new Uint8Array(32))});
const genesis = await patiently(async () => (await api.beacon.getGenesis()).value());
const timeOf = (slot) => genesis.genesisTime * 1000 + slot * slotMs;
const config = createBeaconConfig(chainConfig, genesis.genesisValidatorsRoot);
api = getClient({baseUrl: `http://127.0.0.1:${settings.restPort}`}, {config});

const sign = (index, type, value, slot, domain) => keys[index].sign(computeSigningRoot(type, value, config.getDomain(slot, domain))).toBytes();
const forkTypes = (slot) => sszTypesFor(config.getForkName(slot));

const duties = {attester: new Map(), sync: new Map()};
const once = (map, epoch, get) => {
  if (!map.has(epoch)) map.set(epoch, get().then((response) => response.value()).catch((error) => { map.delete(epoch); throw error; }));
  for (const old of map.keys()) if (old < epoch - 3) map.delete(old);
  return map.get(epoch);
};
// Asked in the slot itself: before Fulu the next epoch's proposers are not final until its first slot, since effective balances
// change at the epoch's end.
const proposers = async (epoch) => (await api.validator.getProposerDuties({epoch})).value();
const attesters = (epoch) => once(duties.attester, epoch, () => api.validator.getAttesterDuties({epoch, indices}));
const syncers = (epoch) => once(duties.sync, epoch, () => api.validator.getSyncCommitteeDuties({epoch, indices}));

async function propose(slot) {
  if (slot === 0) return;
  const epoch = computeEpochAtSlot(slot);
  const duty = (await proposers(epoch)).find((duty) => duty.slot === slot);
  if (!duty || !online(duty.validatorIndex)) return logger.info("Skipped slot: the proposer is offline", {slot, proposer: duty?.validatorIndex});
  if (settings.skipSlots.has(slot)) return logger.info("Skipped slot, as asked", {slot});
  const randaoReveal = sign(duty.validatorIndex, ssz.Epoch, epoch, slot, DOMAIN_RANDAO);
  const response = await api.validator.produceBlockV3({slot, randaoReveal, graffiti: "real-chain", feeRecipient: settings.account, builderSelection: "executiononly"});
  const contents = response.value();
  const message = contents.block ?? contents;
  if (message.proposerIndex !== duty.validatorIndex) throw Error(`the block is of proposer ${message.proposerIndex}, the duty of ${duty.validatorIndex}`);
  const signature = sign(duty.validatorIndex, forkTypes(slot).BeaconBlock, message, slot, DOMAIN_BEACON_PROPOSER);
  const signedBlockContents = {signedBlock: {message, signature}, kzgProofs: contents.kzgProofs ?? [], blobs: contents.blobs ?? []};
  (await api.beacon.publishBlockV2({signedBlockContents})).assertOk();
  logger.verbose("Proposed", {slot, proposer: duty.validatorIndex});
}

async function attest(slot) {
  const epoch = computeEpochAtSlot(slot);
  const mine = (await attesters(epoch)).filter((duty) => duty.slot === slot);
  if (mine.length === 0) return;
  const data = (await api.validator.produceAttestationData({slot, committeeIndex: 0})).value();
  const signedAttestations = mine.map(({validatorIndex, committeeIndex}) => ({committeeIndex, attesterIndex: validatorIndex, data,
    signature: sign(validatorIndex, ssz.phase0.AttestationData, data, slot, DOMAIN_BEACON_ATTESTER)}));
  (await api.beacon.submitPoolAttestationsV2({signedAttestations})).assertOk();
  return {data, mine};
}

async function aggregate(slot, {data, mine}) {
  const signedAggregateAndProofs = [];
  const done = new Set();
  for (const {committeeIndex, committeeLength, validatorIndex} of mine) {
    if (done.has(committeeIndex)) continue; // one aggregator of each committee is enough
    const selectionProof = sign(validatorIndex, ssz.Slot, slot, slot, DOMAIN_SELECTION_PROOF);
    if (!isAggregatorFromCommitteeLength(committeeLength, selectionProof)) continue;
    done.add(committeeIndex);
    const attestationDataRoot = ssz.phase0.AttestationData.hashTreeRoot(data);
    const attestation = (await api.validator.getAggregatedAttestationV2({attestationDataRoot, slot, committeeIndex})).value();
    const message = {aggregatorIndex: validatorIndex, aggregate: attestation, selectionProof};
    const signature = sign(validatorIndex, forkTypes(slot).AggregateAndProof, message, slot, DOMAIN_AGGREGATE_AND_PROOF);
    signedAggregateAndProofs.push({message, signature});
  }
  if (signedAggregateAndProofs.length === 0) return;
  (await api.validator.publishAggregateAndProofsV2({signedAggregateAndProofs})).assertOk();
}

async function syncMessages(slot) {
  const mine = await syncers(computeEpochAtSlot(slot + 1));
  if (mine.length === 0) return;
  const beaconBlockRoot = (await api.beacon.getBlockRoot({blockId: "head"})).value().root;
  const signatures = mine.map((duty) => ({slot, beaconBlockRoot, validatorIndex: duty.validatorIndex,
    signature: sign(duty.validatorIndex, ssz.Root, beaconBlockRoot, slot, DOMAIN_SYNC_COMMITTEE)}));
  (await api.beacon.submitPoolSyncCommitteeSignatures({signatures})).assertOk();
  return {beaconBlockRoot, mine};
}

async function syncContributions(slot, {beaconBlockRoot, mine}) {
  const size = SYNC_COMMITTEE_SIZE / SYNC_COMMITTEE_SUBNET_COUNT;
  const contributionAndProofs = [];
  for (let subcommitteeIndex = 0; subcommitteeIndex < SYNC_COMMITTEE_SUBNET_COUNT; subcommitteeIndex++) {
    for (const {validatorIndex, validatorSyncCommitteeIndices} of mine) {
      if (!validatorSyncCommitteeIndices.some((i) => Math.floor(i / size) === subcommitteeIndex)) continue;
      const selectionProof = sign(validatorIndex, ssz.altair.SyncAggregatorSelectionData, {slot, subcommitteeIndex}, slot, DOMAIN_SYNC_COMMITTEE_SELECTION_PROOF);
      if (!isSyncCommitteeAggregator(selectionProof)) continue;
      const contribution = (await api.validator.produceSyncCommitteeContribution({slot, subcommitteeIndex, beaconBlockRoot})).value();
      const message = {aggregatorIndex: validatorIndex, contribution, selectionProof};
      const signature = sign(validatorIndex, ssz.altair.ContributionAndProof, message, slot, DOMAIN_CONTRIBUTION_AND_PROOF);
      contributionAndProofs.push({message, signature});
      break; // one aggregator of each subcommittee is enough
    }
  }
  if (contributionAndProofs.length === 0) return;
  (await api.validator.publishContributionAndProofs({contributionAndProofs})).assertOk();
}

// The beacon node then has the execution client build each payload before its slot; without it every block waits half a second.
const prepare = () => api.validator.prepareBeaconProposer({proposers: indices.map((validatorIndex) => ({validatorIndex, feeRecipient: settings.account}))});

const guard = (what, slot, promise) => promise.catch((error) => { logger.warn(`${what} failed`, {slot}, String(error.message ?? error).slice(0, 400)); });
let slot = Math.max(0, Math.ceil((Date.now() - timeOf(0)) / slotMs));
await guard("preparation", slot, prepare());
logger.info("Validators", {validators: settings.validators, online: settings.online, firstSlot: slot});
for (; ; slot++) {
  await sleepUntil(timeOf(slot));
  void (async (slot) => {
    await guard("proposal", slot, propose(slot));
    await sleepUntil(timeOf(slot) + slotMs / 3);
    const [votes, messages] = await Promise.all([guard("attestation", slot, attest(slot)), guard("sync messages", slot, syncMessages(slot))]);
    await sleepUntil(timeOf(slot) + (slotMs * 2) / 3);
    if (votes) await guard("aggregate", slot, aggregate(slot, votes));
    if (messages) await guard("sync contributions", slot, syncContributions(slot, messages));
    if (slot % SLOTS_PER_EPOCH === SLOTS_PER_EPOCH - 1) {
      const next = computeEpochAtSlot(slot) + 1;
      await guard("duties", slot, Promise.all([prepare(), attesters(next), syncers(next)]));
    }
  })(slot);
}
