// What the environment says, as `start` hands it on. Loads nothing, so that it costs nobody anything.
const env = process.env;
const list = (text) => (text ?? "").split(/[, ]+/).filter(Boolean);

// That of anvil, so that whoever knows one development chain knows the other.
export const CHAIN_ID = 31337;
export const DEPOSIT_CONTRACT = "0x00000000219ab540356cbb839cbe05303d7705fa";

// The first well-known development account.
const account = (env.ACCOUNT ?? "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266").toLowerCase();

export const settings = {
  restPort: Number(env.REST_PORT),
  engineUrl: env.ENGINE_URL,
  rpcUrl: env.RPC_URL,
  jwtFile: env.JWT_FILE,
  dataDir: env.DATA_DIR,
  validators: Number(env.VALIDATORS ?? 16),
  online: Number(env.ONLINE ?? 14),
  seconds: Number(env.SECONDS_PER_SLOT ?? 2),
  // Seconds between the moment when the beacon node is ready and the first slot: the validators must be ready by then.
  genesisDelay: Number(env.GENESIS_DELAY ?? 6),
  account, // fee recipient, and withdrawal address where no other is said
  funded: [account, ...list(env.FUNDED).map((other) => other.toLowerCase())],
  // Withdrawal credentials of validator i: entry i modulo the length, KIND or KIND:ADDRESS.
  credentials: list(env.CREDENTIALS ?? "01,02,01,00").map((entry) => {
    const [kind, to] = entry.split(":");
    return {kind, to: (to ?? account).toLowerCase()};
  }),
  skipSlots: new Set(list(env.SKIP_SLOTS).map(Number)), // no proposal in these
  fuluForkEpoch: env.FULU_FORK_EPOCH ? Number(env.FULU_FORK_EPOCH) : Infinity,
  shardCommitteePeriod: Number(env.SHARD_COMMITTEE_PERIOD ?? 0),
  withdrawabilityDelay: env.MIN_VALIDATOR_WITHDRAWABILITY_DELAY,
  logLevel: env.LOG_LEVEL ?? "info", // of this folder's own lines
  libraryLogLevel: env.LIBRARY_LOG_LEVEL ?? "warn", // of Lodestar's
};

/** Asks again until there is an answer: whoever is asked may be loading still. */
export async function patiently(ask) {
  for (;;) {
    try {
      return await ask();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
