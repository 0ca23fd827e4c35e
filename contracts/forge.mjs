#!/usr/bin/env node
// Runs forge and ends with forge's exit code. The launcher that npm installs as `forge` always ends with 0, so a failing
// test would pass unseen in a script. It is not a place for options: everything is handed through.

import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";

const cpu = { x64: "amd64", arm64: "arm64" }[process.arch];
const binary = process.platform === "win32" ? "forge.exe" : "forge";
const path = `@foundry-rs/forge-${process.platform}-${cpu}/bin/${binary}`;

const { status, error } = spawnSync(createRequire(import.meta.url).resolve(path), process.argv.slice(2), {
  stdio: "inherit",
});
if (error) console.error(`forge.mjs: ${error.message}`);
process.exitCode = status ?? 1;
