#!/usr/bin/env node
// Compares what the gas tests print with gas-snapshot.txt, or writes it (`--update`). Gas is deterministic: a difference is a
// decision, in either direction.

import { readFileSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";

const run = spawnSync("node", ["forge.mjs", "test", "--match-contract", "Gas", "-vv"], { encoding: "utf8" });
if (run.status !== 0) {
  console.error(run.stdout, run.stderr);
  process.exit(1);
}
const lines = run.stdout.split("\n").map((line) => line.trim());
const figures = lines.filter((line) => /^[a-z].*[a-z],? .*\d+$/i.test(line) && !/^(Ran|Suite|Compiling|Solc)/.test(line));
const text = `${figures.sort().join("\n")}\n`;
const path = new URL("gas-snapshot.txt", import.meta.url);
if (process.argv.includes("--update")) {
  writeFileSync(path, text);
} else if (readFileSync(path, "utf8") !== text) {
  console.error(`gas has changed; \`npm run gas:update\` if that is meant. It is now:\n${text}`);
  process.exitCode = 1;
}
