// Writes the execution client's genesis in geth's format: Prague from block 0; the contracts that Hoodi has at genesis (deposit contract,
// EIP-4788, EIP-2935, EIP-7002, EIP-7251; code and storage from the npm package @ethereumjs/genesis); the CREATE2 factory, which public
// networks have; and accounts with ether.
//   node el-genesis.mjs OUT_FILE
import fs from "node:fs";
import {hoodiGenesis} from "@ethereumjs/genesis/hoodi";
import {CHAIN_ID, DEPOSIT_CONTRACT, settings} from "./settings.mjs";

const alloc = {};
for (const [address, value] of Object.entries(hoodiGenesis)) {
  if (!Array.isArray(value) || !value[1] || value[1] === "0x") continue;
  const [, code, storage, nonce] = value;
  alloc[address] = {balance: "0x0", nonce: nonce ?? "0x1", code, storage: Object.fromEntries(storage ?? [])};
}
alloc["0x4e59b44847b379578588920ca78fbf26c0b4956c"] = {
  balance: "0x0",
  nonce: "0x1",
  code:
    "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b" +
    "8082525050506014600cf3",
};
for (const account of settings.funded) alloc[account] = {balance: "0x52b7d2dcc80cd2e4000000"}; // 100 million ether

const zero = "0x" + "00".repeat(32);
const genesis = {
  name: "real-chain",
  config: {
    chainId: CHAIN_ID,
    homesteadBlock: 0, eip150Block: 0, eip155Block: 0, eip158Block: 0, byzantiumBlock: 0, constantinopleBlock: 0,
    petersburgBlock: 0, istanbulBlock: 0, berlinBlock: 0, londonBlock: 0, mergeNetsplitBlock: 0,
    terminalTotalDifficulty: 0, terminalTotalDifficultyPassed: true,
    shanghaiTime: 0, cancunTime: 0, pragueTime: 0,
    depositContractAddress: DEPOSIT_CONTRACT,
    blobSchedule: {
      cancun: {target: 3, max: 6, baseFeeUpdateFraction: 3338477},
      prague: {target: 6, max: 9, baseFeeUpdateFraction: 5007716},
    },
  },
  // Not after the beacon chain's, which begins when everything is ready.
  timestamp: "0x" + Math.floor(Date.now() / 1000).toString(16),
  nonce: "0x0", extraData: "0x", gasLimit: "0x1c9c380", difficulty: "0x0", mixHash: zero, coinbase: "0x" + "00".repeat(20),
  baseFeePerGas: "0x3b9aca00", excessBlobGas: "0x0", blobGasUsed: "0x0", parentHash: zero, number: "0x0", gasUsed: "0x0",
  alloc,
};
fs.writeFileSync(process.argv[2], JSON.stringify(genesis, null, 1));
