import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { modelsDirectory } from './models.mjs';
import { shapes } from './shapes.mjs';

export const usage = `Usage: node scripts/bench/language-model.mjs [options]

  --shapes LIST         ${Object.keys(shapes).join(', ')}   (default mamba-130m,mamba2-130m)
  --threads N           of each engine                                (default 2)
  --rounds N            measurements of each kind                     (default 5)
  --lengths LIST        prompt lengths of the prefill                 (default 512,2048)
  --decode N            tokens of the decode, 0 for none              (default 64)
  --dtype TYPE          weights: f32 or bf16                          (default f32)
  --peer-dtype TYPE     node-llama-cpp's: f32, bf16 or q8_0           (default as --dtype)
  --competitors LIST    skipscan, node-llama-cpp                      (default both)
  --peers DIR           where node-llama-cpp is installed             (default here or NODE_PATH)
  --models DIR          where the models are kept                     (default in the temporary folder)
  --floor-gflops X      what the machine's best product reaches, with --threads and --dtype
  --floor-scan-ns X     nanoseconds of a scan per token, channel and state
  --floor-gbs X         read bandwidth in GB/s
  --json FILE           also write everything as JSON
`;

/** The command line as an object. Throws a TypeError on wrong usage. */
export function parseOptions(args) {
  const text = { type: 'string' };
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean' },
      shapes: { ...text, default: 'mamba-130m,mamba2-130m' },
      threads: { ...text, default: '2' },
      rounds: { ...text, default: '5' },
      lengths: { ...text, default: '512,2048' },
      decode: { ...text, default: '64' },
      dtype: { ...text, default: 'f32' },
      'peer-dtype': text,
      competitors: { ...text, default: 'skipscan,node-llama-cpp' },
      peers: text,
      models: { ...text, default: modelsDirectory },
      'floor-gflops': text,
      'floor-scan-ns': text,
      'floor-gbs': text,
      json: text,
    },
  });
  return {
    help: values.help ?? false,
    shapes: list(values, 'shapes').map((name) => oneOf('shapes', name, Object.keys(shapes))),
    threads: wholeNumber('threads', values.threads, 1),
    rounds: wholeNumber('rounds', values.rounds, 1),
    lengths: list(values, 'lengths').map((length) => wholeNumber('lengths', length, 1)),
    decode: wholeNumber('decode', values.decode, 0),
    dtype: oneOf('dtype', values.dtype, ['f32', 'bf16']),
    peerDtype: oneOf('peer-dtype', values['peer-dtype'] ?? values.dtype, ['f32', 'bf16', 'q8_0']),
    competitors: list(values, 'competitors').map((name) =>
      oneOf('competitors', name, ['skipscan', 'node-llama-cpp']),
    ),
    peers: values.peers,
    models: resolve(values.models),
    limits: {
      gflops: optionalNumber('floor-gflops', values['floor-gflops']),
      scanNs: optionalNumber('floor-scan-ns', values['floor-scan-ns']),
      readGbs: optionalNumber('floor-gbs', values['floor-gbs']),
    },
    json: values.json,
  };
}

function list(values, name) {
  return values[name].split(',').filter((item) => item !== '');
}

function oneOf(name, value, allowed) {
  if (allowed.includes(value)) return value;
  throw new TypeError(`--${name}: found ${JSON.stringify(value)}, expected ${allowed.join(', ')}`);
}

function wholeNumber(name, value, least) {
  if (/^\d+$/.test(value) && Number(value) >= least) return Number(value);
  throw new TypeError(`--${name}: found ${JSON.stringify(value)}, expected a whole number from ${least}`);
}

/** A positive number; NaN, which no floor is computed from, where the option is absent. */
function optionalNumber(name, value) {
  if (value === undefined) return Number.NaN;
  if (Number(value) > 0) return Number(value);
  throw new TypeError(`--${name}: found ${JSON.stringify(value)}, expected a positive number`);
}

/** node-llama-cpp's entry file, from `directory`, else from the working directory or NODE_PATH; undefined where it is not installed. */
export function findPeer(directory = process.cwd()) {
  try {
    return createRequire(join(resolve(directory), 'x.js')).resolve('node-llama-cpp');
  } catch {
    return undefined;
  }
}

export const peerInstallation = `node-llama-cpp is not installed where --peers says, so it is left out. To have it:
  mkdir peers && cd peers && npm init -y && npm install node-llama-cpp@3.22.1 --ignore-scripts
(its binaries come as npm packages; nothing is compiled), then pass --peers with that folder.
`;
