// The chain's configuration in Lodestar's words, and its logger.
import {createChainForkConfig} from "@lodestar/config";
import {minimalChainConfig, mainnetChainConfig} from "@lodestar/config/configs";
import {ACTIVE_PRESET} from "@lodestar/params";
import {fromHex} from "@lodestar/utils";
import {CHAIN_ID, DEPOSIT_CONTRACT, settings} from "./settings.mjs";

const base = ACTIVE_PRESET === "minimal" ? minimalChainConfig : mainnetChainConfig;

export const chainConfig = {
  ...base,
  CONFIG_NAME: "real-chain",
  DEPOSIT_CHAIN_ID: CHAIN_ID,
  DEPOSIT_NETWORK_ID: CHAIN_ID,
  DEPOSIT_CONTRACT_ADDRESS: fromHex(DEPOSIT_CONTRACT),
  TERMINAL_TOTAL_DIFFICULTY: 0n,
  SECONDS_PER_SLOT: settings.seconds,
  SLOT_DURATION_MS: settings.seconds * 1000,
  SECONDS_PER_ETH1_BLOCK: settings.seconds,
  MIN_GENESIS_ACTIVE_VALIDATOR_COUNT: 1,
  ALTAIR_FORK_EPOCH: 0,
  BELLATRIX_FORK_EPOCH: 0,
  CAPELLA_FORK_EPOCH: 0,
  DENEB_FORK_EPOCH: 0,
  ELECTRA_FORK_EPOCH: 0, // this release makes no blocks of older forks
  FULU_FORK_EPOCH: settings.fuluForkEpoch,
  SHARD_COMMITTEE_PERIOD: settings.shardCommitteePeriod,
  MIN_VALIDATOR_WITHDRAWABILITY_DELAY: Number(settings.withdrawabilityDelay ?? base.MIN_VALIDATOR_WITHDRAWABILITY_DELAY),
};
export const forkConfig = createChainForkConfig(chainConfig);

const levels = ["error", "warn", "info", "verbose", "debug", "trace"];
const plain = (_, value) =>
  typeof value === "bigint" ? String(value) : value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;

export function makeLogger(name, level = settings.logLevel) {
  const logger = {child: ({module}) => makeLogger(module ?? name, level), toOpts: () => ({})};
  for (const kind of levels) {
    logger[kind] = (message, context, error) => {
      if (levels.indexOf(kind) > levels.indexOf(level)) return;
      const more = context && Object.keys(context).length ? ` ${JSON.stringify(context, plain)}` : "";
      const why = error ? ` ${error.stack ?? error}` : "";
      console.log(`${new Date().toISOString().slice(11, 23)} [${name}] ${kind}: ${message}${more}${why}`);
    };
  }
  return logger;
}
