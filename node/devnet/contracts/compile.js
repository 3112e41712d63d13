// Compiles Solidity files to JSON artefacts beside them: ABI, creation bytecode, and the hash of the source, by which a
// test finds an artefact that is older than its source. What Yul files compile to stands in the code: it is printed, a line for
// each file. Needs `npm ci`; nothing that runs needs this script.
//
//   node node/devnet/contracts/compile.js FOLDER...
"use strict";
const { createHash } = require("node:crypto");
const { readFileSync, readdirSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const solc = require("solc");

const SETTINGS = {
  evmVersion: "shanghai", // understood by every network that we know
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: "none", appendCBOR: false }, // the same bytes on every machine
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};

function imported(path) {
  return { contents: readFileSync(require.resolve(path), "utf8") };
}

function compile(folder, file) {
  const source = readFileSync(join(folder, file), "utf8");
  const input = { language: "Solidity", sources: { [file]: { content: source } }, settings: SETTINGS };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: imported }));
  const complaints = output.errors ?? [];
  if (complaints.length > 0) throw new Error(complaints.map((one) => one.formattedMessage).join("\n"));
  const whole = Object.entries(output.contracts[file]).filter(([, made]) => made.evm.bytecode.object !== "");
  return whole.map(([contract, made]) => ({
    contract,
    compiler: `solc ${solc.version()}`,
    source: file,
    source_sha256: createHash("sha256").update(source).digest("hex"),
    abi: made.abi,
    bytecode: "0x" + made.evm.bytecode.object,
  }));
}

function compiledYul(path) {
  const settings = { evmVersion: "london", optimizer: { enabled: true }, outputSelection: SETTINGS.outputSelection };
  const input = { language: "Yul", sources: { it: { content: readFileSync(path, "utf8") } }, settings };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const complaints = output.errors ?? [];
  if (complaints.length > 0) throw new Error(complaints.map((one) => one.formattedMessage).join("\n"));
  const [made] = Object.values(output.contracts.it);
  return made.evm.bytecode.object;
}

for (const folder of process.argv.slice(2)) {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".yul"))) {
    console.log(`${file} ${compiledYul(join(folder, file))}`);
  }
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".sol"))) {
    for (const artefact of compile(folder, file)) {
      writeFileSync(join(folder, `${artefact.contract}.json`), JSON.stringify(artefact, null, 1) + "\n");
      console.log(`${folder}/${artefact.contract}.json`);
    }
  }
}
