#!/usr/bin/env node
// Writes abi/<Contract>.json for consumers and bytecode/<Contract>.hex (creation code) for deployments, from forge's artifacts
// in out/; and the addresses in test/vectors/deployment.json, which follow from its plan and the creation code and which the
// Rust and the Solidity tests compute too. `--check` compares instead of writing. The compiler and its settings are pinned, so
// everything depends on src/ alone.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";

const DEPLOYED = ["GuardianKeys", "EjectionRegistry", "ReserveFeed", "ReserveProxy", "TicketPriceGate", "FrostGuardianModule"];
const INTERFACES = ["AggregatorV3Interface", "IGuardianModule", "IPufferOracle", "IValidatorTicketPricer", "IWithdrawalRequester"];
const at = (path) => new URL(path, import.meta.url);

function put(path, text) {
  if (!process.argv.includes("--check")) {
    mkdirSync(at(path.slice(0, path.lastIndexOf("/"))), { recursive: true });
    writeFileSync(at(path), text);
    return;
  }
  let committed = "";
  try {
    committed = readFileSync(at(path), "utf8");
  } catch {
    // absent: as good as different
  }
  if (committed !== text) {
    console.error(`${path} is not what forge builds: run \`npm run build && npm run export\``);
    process.exitCode = 1;
  }
}

for (const name of [...DEPLOYED, ...INTERFACES]) {
  const artifact = JSON.parse(readFileSync(at(`out/${name}.sol/${name}.json`), "utf8"));
  put(`abi/${name}.json`, `${JSON.stringify(artifact.abi, null, 2)}\n`);
  if (DEPLOYED.includes(name)) put(`bytecode/${name}.hex`, `${artifact.bytecode.object}\n`);
}

// Addresses by EIP-1014, arguments by the ABI: a word each, lists behind the heads of what holds them.
const word = (value) => hexToBytes(BigInt(value).toString(16).padStart(64, "0"));
const words = (...values) => concatBytes(...values.map(word));
const list = (values) => words(values.length, ...values);
const FACTORY = hexToBytes("4e59b44847b379578588920ca78fbf26c0b4956c");

function addressOf(salt, name, args) {
  const code = hexToBytes(readFileSync(at(`bytecode/${name}.hex`), "utf8").trim().slice(2));
  const hash = keccak_256(concatBytes(code, args));
  const address = keccak_256(concatBytes(Uint8Array.of(0xff), FACTORY, hexToBytes(salt.slice(2)), hash)).slice(12);
  return `0x${bytesToHex(address)}`;
}

function deploymentOf(plan) {
  const { salt, governor } = plan;
  const { px, py } = plan.group_key;
  const keys = addressOf(salt, "GuardianKeys", words(px, py, governor, plan.vetoer, plan.key_delay));
  const time = [plan.genesis_time, plan.seconds_per_slot];
  const thresholds = [plan.ejection_threshold, plan.max_ejection_threshold];
  const registryArgs = [keys, governor, ...thresholds, ...time, plan.beacon_roots, plan.withdrawal_requests];
  const registry = addressOf(salt, "EjectionRegistry", words(...registryArgs));
  const clock = [...time, plan.slots_per_epoch, plan.report_period, plan.heartbeat, plan.history_epochs, plan.beacon_roots];
  const [vaults, pods] = [list(plan.vaults), list(plan.pods)];
  const sources = concatBytes(words(96, 96 + vaults.length, plan.liability_token), vaults, pods);
  const head = words(keys, governor, ...clock, plan.max_change_bps, 32 * 11);
  const feed = addressOf(salt, "ReserveFeed", concatBytes(head, sources));
  const proxy = addressOf(salt, "ReserveProxy", words(feed, governor, plan.proxy_delay));
  const module = addressOf(salt, "FrostGuardianModule", words(keys, registry, governor, plan.slots_per_epoch));
  const price = [plan.ticket_pricer, plan.ticket_rules, plan.ticket_max_daily];
  const gateArgs = words(keys, governor, ...price, ...time, plan.slots_per_epoch, plan.beacon_roots);
  const gate = BigInt(plan.ticket_pricer) === 0n ? null : addressOf(salt, "TicketPriceGate", gateArgs);
  return {
    plan,
    guardian_keys: keys,
    ejection_registry: registry,
    reserve_feed: feed,
    reserve_proxy: proxy,
    guardian_module: module,
    ticket_price_gate: gate,
  };
}

const vector = "test/vectors/deployment.json";
const { plan } = JSON.parse(readFileSync(at(vector), "utf8"));
put(vector, `${JSON.stringify(deploymentOf(plan), null, 2)}\n`);
