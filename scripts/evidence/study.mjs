#!/usr/bin/env node
/**
 * Runs the sweeps that docs/evidence.md rests on, one after another. What is done is not done again, and a sweep that was stopped goes
 * on where it was. See README.md.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runScript } from '../bench/run-script.mjs';
import { runs } from './runs.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const command = path.join(root, 'dist/cli/main.js');

const usage = `Usage: node scripts/evidence/study.mjs [options] [NAME...]

  NAME            only the runs whose name starts so, such as tiny-recall or tiny-vim/policies   (default all)
  --work DIR      models of other seeds, data and results            (default build/evidence)
  --threads N     of the engine                                      (default 2)
  --list          name the runs and what they still need
`;

function parseOptions(args) {
  const text = { type: 'string' };
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean' },
      list: { type: 'boolean' },
      work: { ...text, default: path.join(root, 'build/evidence') },
      threads: { ...text, default: '2' },
    },
  });
  const unknown = positionals.find((start) => !runs.some(({ name }) => name.startsWith(start)));
  if (unknown !== undefined) throw new TypeError(`no run's name starts with ${unknown}`);
  return { ...values, chosen: positionals };
}

async function main({ work, threads, list, chosen }) {
  let failed = 0;
  for (const run of runs) {
    if (chosen.length > 0 && !chosen.some((start) => run.name.startsWith(start))) continue;
    const out = path.join(work, 'results', run.name);
    const { args, missing } = argumentsOf(run, work);
    const state = existsSync(path.join(out, 'report.json'))
      ? 'done'
      : missing.length > 0
        ? 'missing'
        : 'to do';
    if (list || state === 'missing') {
      console.log(`${run.name}: ${state}${missing.length > 0 ? ` (${missing.join(', ')})` : ''}`);
    }
    if (list || state !== 'to do') continue;
    console.log(`${run.name}: skipscan report ${args.join(' ')}`);
    mkdirSync(out, { recursive: true });
    const code = await start([command, 'report', ...args, '--threads', threads, '--out', out]);
    if (code !== 0) failed += 1;
  }
  return failed > 0 ? 1 : 0;
}

/** The run's arguments with files in place of their names, and the files that are not there. */
function argumentsOf({ model, args }, work) {
  const shipped = path.join(root, 'models', model);
  const folder = existsSync(shipped) ? shipped : path.join(work, 'models', model);
  const files = args.map((arg) => arg.replace(/^\{(\w+)\}$/, (_, name) => fileOf(name, work)));
  const needed = [folder, ...files.filter((file, i) => file !== args[i])];
  return {
    args: [...files, '--model', folder].map(relative),
    missing: needed.filter((file) => !existsSync(file)).map(relative),
  };
}

/** Paths as short as they can be, since reports repeat the command. */
function relative(arg) {
  return path.isAbsolute(arg) ? path.relative(process.cwd(), arg) : arg;
}

function fileOf(name, work) {
  if (name === 'text') return path.join(root, 'scripts/bench/data/held-out.txt');
  const folder = /^(pictures|photos)/.test(name);
  return path.join(work, 'data', folder ? name : `${name}.${name.startsWith('text') ? 'txt' : 'jsonl'}`);
}

function start(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

await runScript({ usage, parseOptions, main });
