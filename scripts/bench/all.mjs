#!/usr/bin/env node
/**
 * Every benchmark of the CPU, one after the other, and what is measured beside what is meant to be reached. Takes the better
 * part of an hour. See README.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { partsOf, runPart } from './all/parts.mjs';
import { judge } from './all/targets.mjs';
import { list, oneOf, wholeNumber } from './arguments.mjs';
import { commandOf, machineFacts, machineName, sourceCommit } from './machine.mjs';
import { modelsDirectory } from './models.mjs';
import { describeMachine, textTable, writeReport } from './report.mjs';
import { runScript } from './run-script.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const partNames = partsOf({ models: '' }).map(({ name }) => name);

const usage = `Usage: node scripts/bench/all.mjs [options]

  --parts LIST    ${partNames.join(', ')}   (default all)
  --threads N     of each engine                       (default 2)
  --rounds N      measurements of each                 (default 5)
  --peers DIR     where node-llama-cpp is installed    (default here or NODE_PATH)
  --python PATH   a Python that has torch and transformers; without one they are left out
  --models DIR    where the models are kept            (default in the temporary folder)
  --json          write the reports to bench/results/MACHINE/
`;

/** A part that fails is reported, and the others are run. */
function main(options) {
  const machine = machineFacts();
  console.log(describeMachine({ machine, skipscanCommit: sourceCommit(root) }));
  const scratch = mkdtempSync(join(os.tmpdir(), 'skipscan-bench-'));
  const reports = {};
  const failed = [];
  try {
    for (const name of options.parts) {
      const file = (report) => join(scratch, `${report}.json`);
      const limits = reports.operators && file('operators');
      const part = partsOf({ ...options, limits }).find((each) => each.name === name);
      console.log(`\n==== ${name}`);
      try {
        reports[name] = runPart(part, file(name));
      } catch (error) {
        failed.push(name);
        process.stderr.write(`${name}: ${error.message}\n`);
      }
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
  const lines = judge(reports, options.threads);
  console.log(`\n==== targets\n${describeTargets(lines)}`);
  if (options.json) {
    const folder = join(root, 'bench', 'results', machineName(machine));
    for (const [name, report] of Object.entries(reports)) writeReport(join(folder, `${name}.json`), report);
    const summary = {
      command: commandOf('all.mjs'),
      date: new Date().toISOString(),
      machine,
      targets: lines,
    };
    writeReport(join(folder, 'targets.json'), summary);
  }
  return failed.length > 0 ? 1 : 0;
}

function describeTargets(lines) {
  const rows = lines.map(({ what, target, measured, met }) => [
    what,
    target,
    measured ?? 'not measured',
    met === undefined ? '' : met ? 'met' : 'NOT MET',
  ]);
  return textTable(['', 'target', 'measured', ''], rows);
}

function parseOptions(args) {
  const text = { type: 'string' };
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean' },
      parts: { ...text, default: partNames.join(',') },
      threads: { ...text, default: '2' },
      rounds: { ...text, default: '5' },
      peers: text,
      python: text,
      models: { ...text, default: modelsDirectory },
      json: { type: 'boolean' },
    },
  });
  return {
    help: values.help ?? false,
    parts: list(values, 'parts').map((part) => oneOf('parts', part, partNames)),
    threads: wholeNumber('threads', values.threads, 1),
    rounds: wholeNumber('rounds', values.rounds, 1),
    peers: values.peers && resolve(values.peers),
    python: values.python && resolve(values.python),
    models: resolve(values.models),
    json: values.json ?? false,
  };
}

await runScript({ usage, parseOptions, main });
