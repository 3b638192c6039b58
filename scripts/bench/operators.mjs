#!/usr/bin/env node
/**
 * The engine's operators alone: matrix products beside OpenBLAS and oneDNN at the shapes that the models use, and the scans.
 * Builds the programs that run them, which are C++. See README.md.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { list, oneOf, positiveNumber, wholeNumber } from './arguments.mjs';
import { Competitor } from './competitor.mjs';
import { commandOf, cpuFlags, machineFacts, sourceCommit } from './machine.mjs';
import { productCases, scanCases } from './operators/cases.mjs';
import { measuredLimits } from './operators/limits.mjs';
import { describeErrors, describeProducts, measureProducts } from './operators/products.mjs';
import { describeScans, measureScans } from './operators/scans.mjs';
import { describeMachine, writeReport } from './report.mjs';
import { runScript } from './run-script.mjs';
import { disturbance } from './turns.mjs';

const usage = `Usage: node scripts/bench/operators.mjs [options]

  --parts LIST      products, scans                                (default both)
  --dtypes LIST     of the products' weights: f32, bf16, bf16-rounded (the inputs
                    are rounded to bf16 as well), f16, i8          (default f32,bf16,bf16-rounded)
  --only TEXT       of the products those with TEXT in their name, such as mamba-130m or out
  --rows LIST       of those the numbers of rows                   (default all that a model meets)
  --threads LIST    (default 1,2)
  --rounds N        measurements of each                           (default 5)
  --seconds X       of each measurement                            (default 0.1)
  --no-build        with the programs as they were built before
  --json FILE       also write everything as JSON, with the limits that language-model.mjs takes
`;

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What multiplies which weights; without its program a peer is not installed. */
const libraries = {
  skipscan: { dtypes: ['f32', 'bf16', 'bf16-rounded', 'f16', 'i8'] },
  openblas: { dtypes: ['f32'], absent: 'OpenBLAS (Debian: libopenblas-dev)' },
  onednn: { dtypes: ['f32', 'bf16', 'bf16-rounded'], absent: 'oneDNN (Debian: libdnnl-dev)' },
};
// Where there are matrix registers oneDNN multiplies bf16 in them; then it is measured with vectors alone too.
if (cpuFlags().includes('amx_bf16')) {
  const env = { ONEDNN_MAX_CPU_ISA: 'AVX512_CORE_BF16' };
  libraries['onednn-avx512'] = {
    ...libraries.onednn,
    program: 'onednn',
    dtypes: ['bf16', 'bf16-rounded'],
    env,
  };
}
const names = Object.keys(libraries);

async function main(options) {
  if (options.build) build();
  const present = names.filter((name) => existsSync(program(name)));
  if (!present.includes('skipscan'))
    throw new Error(`${program('skipscan')} is missing; run without --no-build`);
  for (const name of names) {
    if (!present.includes(name) && !libraries[name].program)
      console.log(`${libraries[name].absent} was not found and is left out.`);
  }
  const processes = present.map(
    (name) => new Competitor(name, { executable: program(name), env: libraries[name].env }),
  );
  try {
    const report = {
      command: commandOf('operators.mjs'),
      date: new Date().toISOString(),
      machine: machineFacts(),
      skipscanCommit: sourceCommit(root),
      absent: names.filter((name) => !present.includes(name)),
      rounds: options.rounds,
      versions: {},
      products: [],
      scans: [],
    };
    for (const process of processes) report.versions[process.name] = await process.call('version');
    console.log(describeMachine(report));
    for (const [name, version] of Object.entries(report.versions)) console.log(`  ${name}: ${version}`);
    if (options.parts.includes('scans')) {
      report.scans = await measureScans(scanCases, processes[0], options);
      console.log(describeScans(report.scans));
    }
    if (options.parts.includes('products')) report.products = await products(processes, options);
    report.limits = measuredLimits(report);
    report.idle = Object.fromEntries(processes.map(({ name, idleCores }) => [name, idleCores]));
    console.log(disturbance([...report.scans, ...report.products]));
    if (options.json) writeReport(options.json, report);
  } finally {
    for (const process of processes) process.close();
  }
}

/** Measures and prints all products. */
async function products(processes, options) {
  const cases = productCases()
    .filter(({ name }) => name.includes(options.only))
    .map((each) => ({ ...each, rows: options.rows ?? each.rows }));
  if (cases.length === 0) throw new Error(`--only ${options.only}: there is no such product`);
  const all = [];
  for (const dtype of options.dtypes) {
    const competitors = processes.filter(({ name }) => libraries[name].dtypes.includes(dtype));
    const results = await measureProducts(cases, dtype, competitors, options);
    const shown = names.filter((name) => libraries[name].dtypes.includes(dtype));
    for (const threads of options.threads) {
      console.log(
        describeProducts(
          results.filter((result) => result.threads === threads),
          shown,
        ),
      );
    }
    all.push(...results);
  }
  console.log(`\n${describeErrors(all)}`);
  return all;
}

function program(name) {
  return join(root, 'build', 'cmake', 'bin', `bench_${libraries[name].program ?? name}`);
}

function build() {
  const args = [join(root, 'scripts', 'build-native.js'), '--program', 'bench_operators'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`the build failed:\n${stdout}${stderr}`);
}

function parseOptions(args) {
  const text = { type: 'string' };
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean' },
      parts: { ...text, default: 'products,scans' },
      dtypes: { ...text, default: 'f32,bf16,bf16-rounded' },
      only: { ...text, default: '' },
      rows: text,
      threads: { ...text, default: '1,2' },
      rounds: { ...text, default: '5' },
      seconds: { ...text, default: '0.1' },
      'no-build': { type: 'boolean' },
      json: text,
    },
  });
  return {
    help: values.help ?? false,
    parts: list(values, 'parts').map((part) => oneOf('parts', part, ['products', 'scans'])),
    dtypes: list(values, 'dtypes').map((dtype) => oneOf('dtypes', dtype, libraries.skipscan.dtypes)),
    only: values.only,
    rows: values.rows && list(values, 'rows').map((rows) => wholeNumber('rows', rows, 1)),
    threads: list(values, 'threads').map((threads) => wholeNumber('threads', threads, 1)),
    rounds: wholeNumber('rounds', values.rounds, 1),
    seconds: positiveNumber('seconds', values.seconds),
    build: !values['no-build'],
    json: values.json,
  };
}

await runScript({ usage, parseOptions, main });
