import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { list, oneOf, positiveNumber, wholeNumber } from './arguments.mjs';
import { modelsDirectory } from './models.mjs';
import { shapes } from './shapes.mjs';

export const usage = `Usage: node scripts/bench/language-model.mjs [options]

  --shapes LIST         ${Object.keys(shapes).join(', ')}   (default mamba-130m,mamba2-130m)
  --threads N           of each engine                                (default 2)
  --rounds N            measurements of each kind                     (default 5)
  --lengths LIST        prompt lengths of the prefill                 (default 512,2048)
  --decode N            tokens of the decode, 0 for none              (default 64)
  --batch N             also decode N sequences at once               (default 0: not)
  --first-token         also the time to the first token, in processes that begin with loading
  --thread-scaling      also one thread beside --threads, and a core that another process takes
  --dtype TYPE          weights: f32, bf16 or i8                      (default f32)
  --peer-dtype TYPE     node-llama-cpp's: f32, bf16 or q8_0           (default as --dtype, q8_0 for i8)
  --competitors LIST    skipscan, node-llama-cpp, transformers        (default all)
  --peers DIR           where node-llama-cpp is installed             (default here or NODE_PATH)
  --python PATH         a Python that has transformers                (default none: not compared)
  --models DIR          where the models are kept                     (default in the temporary folder)
  --limits FILE         what the machine reaches at best, as bench:operators --json wrote it
  --floor-gflops X      instead: the rate of its best product, with --threads and --dtype
  --floor-scan-ns X     nanoseconds of a scan per token, channel and state
  --floor-gbs X         read bandwidth in GB/s
  --json FILE           also write everything as JSON
`;

/** The command line as an object. Throws a TypeError on wrong usage. */
export function parseOptions(args) {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const { values } = parseArgs({
    args,
    options: {
      help: flag,
      shapes: { ...text, default: 'mamba-130m,mamba2-130m' },
      threads: { ...text, default: '2' },
      rounds: { ...text, default: '5' },
      lengths: { ...text, default: '512,2048' },
      decode: { ...text, default: '64' },
      batch: { ...text, default: '0' },
      'first-token': flag,
      'thread-scaling': flag,
      dtype: { ...text, default: 'f32' },
      'peer-dtype': text,
      competitors: { ...text, default: 'skipscan,node-llama-cpp,transformers' },
      peers: text,
      python: text,
      models: { ...text, default: modelsDirectory },
      limits: text,
      'floor-gflops': text,
      'floor-scan-ns': text,
      'floor-gbs': text,
      json: text,
    },
  });
  const peerDtype = values['peer-dtype'] ?? (values.dtype === 'i8' ? 'q8_0' : values.dtype);
  return {
    help: values.help,
    shapes: list(values, 'shapes').map((name) => oneOf('shapes', name, Object.keys(shapes))),
    threads: wholeNumber('threads', values.threads, 1),
    rounds: wholeNumber('rounds', values.rounds, 1),
    lengths: list(values, 'lengths').map((length) => wholeNumber('lengths', length, 1)),
    decode: wholeNumber('decode', values.decode, 0),
    batch: wholeNumber('batch', values.batch, 0),
    firstToken: values['first-token'],
    threadScaling: values['thread-scaling'],
    dtype: oneOf('dtype', values.dtype, ['f32', 'bf16', 'i8']),
    peerDtype: oneOf('peer-dtype', peerDtype, ['f32', 'bf16', 'q8_0']),
    competitors: list(values, 'competitors').map((name) =>
      oneOf('competitors', name, ['skipscan', 'node-llama-cpp', 'transformers']),
    ),
    peers: values.peers,
    python: values.python,
    models: resolve(values.models),
    limits: values.limits,
    floors: {
      gflops: optionalNumber('floor-gflops', values['floor-gflops']),
      scanNs: optionalNumber('floor-scan-ns', values['floor-scan-ns']),
      readGbs: optionalNumber('floor-gbs', values['floor-gbs']),
    },
    json: values.json,
  };
}

function optionalNumber(name, value) {
  return value === undefined ? undefined : positiveNumber(name, value);
}

/** node-llama-cpp's entry file, from `directory`, else from the working directory or NODE_PATH; undefined where it is not installed. */
export function findPeer(directory = process.cwd()) {
  try {
    return createRequire(join(resolve(directory), 'x.js')).resolve('node-llama-cpp');
  } catch {
    return undefined;
  }
}
