import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { windowCount } from './windows.mjs';

export const usage = `Usage: node scripts/bench/reduction-quality.mjs [options]

  --windows N     windows of held-out text, 2 to ${windowCount}          (default ${windowCount})
  --model DIR     a byte-level model                           (default the shipped one)
  --threads N     of the engine                                (default 2)
  --json FILE     also write every window's result as JSON
`;

/** The command line as an object. Throws a TypeError on wrong usage. */
export function parseOptions(args) {
  const text = { type: 'string' };
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean' },
      windows: { ...text, default: String(windowCount) },
      model: { ...text, default: fileURLToPath(new URL('../../../models/tiny-mamba2', import.meta.url)) },
      threads: { ...text, default: '2' },
      json: text,
    },
  });
  return {
    help: values.help ?? false,
    windows: wholeNumber('windows', values.windows, 2, windowCount),
    model: values.model,
    threads: wholeNumber('threads', values.threads, 1, 256),
    json: values.json,
  };
}

export function wholeNumber(name, value, least, most) {
  if (/^\d+$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value);
  throw new TypeError(
    `--${name}: found ${JSON.stringify(value)}, expected a whole number from ${least} to ${most}`,
  );
}
