// npm run random-calls -- [--cases N] [--seed S] [--kernels avx512,avx2] [--only NAME]
//
// Random valid calls of every operator and of whole tiny models, each compared with the plain-loop reference (test/random). Prints
// for each kind of call and each kernel set how many cases ran and the worst error as a share of its tolerance. A failing case
// prints the command that repeats it, and the status is 1.
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const require = createRequire(import.meta.url);
require('./typescript-hook.cjs');
const { run } = require('../test/random/run.ts');

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    kernels: { type: 'string' },
    only: { type: 'string' },
  },
});

function wholeNumber(name, low) {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= low) return value;
  console.error(`Expected a whole number from ${low} for --${name} but received ${values[name]}.`);
  process.exit(2);
}

try {
  const failures = await run({
    cases: wholeNumber('cases', 1),
    seed: wholeNumber('seed', 0),
    kernels: values.kernels?.split(','),
    only: values.only,
  });
  process.exitCode = failures === 0 ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
