// The consensus client: the parts of @lodestar/beacon-node (chain, operation pools, execution engine, REST API), put together with an
// interop genesis and without a network. The chain begins as soon as the execution client answers.
import fs from "node:fs";
import {EventEmitter} from "node:events";
import path from "node:path";
import {fileURLToPath, pathToFileURL} from "node:url";
import {generateKeyPair} from "@libp2p/crypto/keys";
import {createBeaconConfig} from "@lodestar/config";
import {BeaconStateView, createBeaconStateView, createPubkeyCache, syncPubkeys} from "@lodestar/state-transition";
import {ssz, sszTypesFor} from "@lodestar/types";
import {fromHex, toRootHex} from "@lodestar/utils";
import {LevelDbController} from "@lodestar/db";
import {chainConfig, forkConfig, makeLogger} from "./config.mjs";
import {patiently, settings} from "./settings.mjs";

const library = path.join(path.dirname(fileURLToPath(import.meta.url)), "../node_modules/@lodestar/beacon-node/lib");
const load = (file) => import(pathToFileURL(path.join(library, file)).href);
const {BeaconChain} = await load("chain/chain.js");
const {defaultChainOptions} = await load("chain/options.js");
const {persistAnchorState} = await load("chain/initState.js");
const {BeaconDb} = await load("db/beacon.js");
const {ExecutionEngineHttp, defaultExecutionEngineHttpOpts} = await load("execution/engine/http.js");
const {JsonRpcHttpClient} = await load("execution/engine/jsonRpcHttpClient.js");
const {getApi} = await load("api/impl/api.js");
const {BeaconRestApiServer} = await load("api/rest/index.js");
const {initDevState} = await load("node/utils/state.js");
const {Clock} = await load("util/clock.js");

const logger = makeLogger("beacon");

// beacon-node 1.44.0 asks state-transition 1.46.0, the nearest release on the registry, for this one method that it does not have.
BeaconStateView.prototype.getBeaconProposerOrNull ??= function (slot) {
  try { return this.getBeaconProposer(slot); } catch { return null; }
};

async function executionGenesis() {
  const body = JSON.stringify({jsonrpc: "2.0", id: 1, method: "eth_getBlockByNumber", params: ["0x0", false]});
  const response = await fetch(settings.rpcUrl, {method: "POST", headers: {"content-type": "application/json"}, body});
  return (await response.json()).result;
}

function genesisState(block, genesisTime) {
  const state = initDevState(forkConfig, settings.validators, {
    genesisTime, eth1BlockHash: fromHex(block.hash), eth1Timestamp: Number(block.timestamp),
  });
  const fork = forkConfig.getForkName(0);
  state.latestExecutionPayloadHeader = sszTypesFor(fork).ExecutionPayloadHeader.toViewDU({
    ...sszTypesFor(fork).ExecutionPayloadHeader.defaultValue(),
    parentHash: fromHex(block.parentHash), feeRecipient: fromHex(block.miner), stateRoot: fromHex(block.stateRoot),
    receiptsRoot: fromHex(block.receiptsRoot), logsBloom: fromHex(block.logsBloom), prevRandao: fromHex(block.mixHash),
    blockNumber: 0, gasLimit: Number(block.gasLimit), gasUsed: 0, timestamp: Number(block.timestamp), extraData: fromHex(block.extraData),
    baseFeePerGas: BigInt(block.baseFeePerGas), blockHash: fromHex(block.hash), transactionsRoot: new Uint8Array(32),
    withdrawalsRoot: ssz.capella.Withdrawals.hashTreeRoot([]), blobGasUsed: 0n, excessBlobGas: 0n,
  });
  for (let i = 0; i < settings.validators; i++) {
    const {kind, to} = settings.credentials[i % settings.credentials.length];
    if (kind === "00") continue; // as initDevState made it: the hash of the validator's own key
    state.validators.get(i).withdrawalCredentials = fromHex(`0x${kind}${"00".repeat(11)}${to.slice(2)}`);
  }
  state.commit();
  state.genesisValidatorsRoot = state.validators.hashTreeRoot();
  state.commit();
  return state;
}

// Nothing is published: this node's own pools and chain have every message already.
function noNetwork(chain) {
  const known = {
    events: new EventEmitter(), closed: false, custodyConfig: chain.custodyConfig,
    getConnectedPeerCount: () => 0, getConnectedPeers: () => [], isSubscribedToGossipCoreTopics: () => true, shouldAggregate: () => true,
    dumpPeers: async () => [], dumpPeer: async () => undefined, getDirectPeers: async () => [],
    getNetworkIdentity: async () => ({peerId: "none", enr: "", p2pAddresses: [], discoveryAddresses: [],
      metadata: {seqNumber: "0", attnets: "0x0000000000000000", syncnets: "0x0f"}}),
  };
  return new Proxy(known, {get: (target, name) => (name in target ? target[name] : name === "then" ? undefined : async () => 0)});
}

const block = await patiently(executionGenesis);
const genesisTime = Math.ceil(Date.now() / 1000) + settings.genesisDelay;
const state = genesisState(block, genesisTime);
const config = createBeaconConfig(chainConfig, state.genesisValidatorsRoot);
const stateBytes = state.serialize();
const controller = new AbortController();
const db = new BeaconDb(config, await LevelDbController.create());
await persistAnchorState(config, db, state, stateBytes);

const pubkeyCache = createPubkeyCache();
syncPubkeys(pubkeyCache, state.validators.getAllReadonlyValues());
const anchorState = createBeaconStateView({useNative: false, anchorState: state, config, pubkeyCache});
const clock = new Clock({config, genesisTime, signal: controller.signal});
// The execution client has no engine_getPayloadV5, which Fulu asks for. Without blobs its answer has the form of V4's.
class EngineRpc extends JsonRpcHttpClient {
  fetchWithRetries(request, opts) { return super.fetchWithRetries(this.older(request), opts); }
  fetch(request, opts) { return super.fetch(this.older(request), opts); }
  older(request) { return request.method === "engine_getPayloadV5" ? {...request, method: "engine_getPayloadV4"} : request; }
}
const jwtSecret = fromHex("0x" + fs.readFileSync(settings.jwtFile, "utf8").trim().replace(/^0x/, ""));
const engineOptions = {...defaultExecutionEngineHttpOpts, urls: [settings.engineUrl]};
const executionEngine = new ExecutionEngineHttp(
  new EngineRpc([settings.engineUrl], {...engineOptions, signal: controller.signal, jwtSecret}),
  {metrics: null, signal: controller.signal, logger: makeLogger("execution", settings.libraryLogLevel)},
  engineOptions
);
const chain = new BeaconChain(
  {...defaultChainOptions, blsVerifyAllMainThread: true, nHistoricalStatesFileDataStore: false, archiveStateEpochFrequency: 32,
    disableLightClientServer: true, suggestedFeeRecipient: settings.account},
  {privateKey: await generateKeyPair("secp256k1"), config, clock, pubkeyCache, dataDir: settings.dataDir, db, dbName: "memory",
    logger: makeLogger("chain", settings.libraryLogLevel), processShutdownCallback: () => process.exit(1), metrics: null, validatorMonitor: null,
    anchorState, isAnchorStateFinalized: true, executionEngine}
);
await chain.init();

const sync = {
  state: "Synced", isSynced: () => true, isSyncing: () => false, getSyncChainsDebugState: () => [], close() {},
  getSyncStatus() {
    const head = chain.forkChoice.getHead();
    const distance = Math.max(0, chain.clock.currentSlot - head.slot);
    return {headSlot: head.slot, syncDistance: distance, isSyncing: false, isOptimistic: head.executionStatus === "Syncing",
      elOffline: executionEngine.state === "OFFLINE"};
  },
};
const network = noNetwork(chain);
const namespaces = ["beacon", "config", "debug", "events", "node", "validator", "lodestar", "proof"];
const rest = {enabled: true, api: namespaces, address: "127.0.0.1", port: settings.restPort, cors: "*", bodyLimit: 20 * 1024 * 1024, stacktraces: false};
const options = {maxGindicesInProof: 512, version: "real-chain/beacon-node-1.44.0", private: false, rest};
const api = getApi(options, {config, logger: makeLogger("api", settings.libraryLogLevel), db, sync, network, chain, metrics: null});
const server = new BeaconRestApiServer(rest, {config, logger: makeLogger("rest", settings.libraryLogLevel), api, metrics: null});
await server.registerRoutes();
await server.listen();
logger.info("Ready", {genesisTime, fork: config.getForkName(0), genesisValidatorsRoot: toRootHex(state.genesisValidatorsRoot), el: block.hash});

clock.on("clock:slot", (slot) => {
  const head = chain.forkChoice.getHead();
  if (slot % 8 === 0) logger.info("Slot", {slot, head: head.slot, justified: chain.forkChoice.getJustifiedCheckpoint().epoch,
    finalized: chain.forkChoice.getFinalizedCheckpoint().epoch, elNumber: head.executionPayloadNumber});
});
process.on("unhandledRejection", (error) => logger.error("Unhandled rejection", {}, error));
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => { controller.abort(); server.close().catch(() => {}); setTimeout(() => process.exit(0), 200); });
}
