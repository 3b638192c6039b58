import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { wholeNumber } from './options.mjs';

export const usage = `Usage: node scripts/bench/vision-quality.mjs FOLDER [options]

  FOLDER          images, one folder for each class: what scripts/train/draw_shapes.py writes, or others
  --limit N       at most so many of them, drawn at random     (default all)
  --model SOURCE  a vision model                               (default the shipped one)
  --threads N     of the engine                                (default 2)
  --batch N       images of one pass                           (default 64)
  --json FILE     also write every image's result as JSON
`;

/** The command line as an object. Throws a TypeError on wrong usage. */
export function parseOptions(args) {
  const text = { type: 'string' };
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean' },
      limit: text,
      model: { ...text, default: fileURLToPath(new URL('../../../models/tiny-vim', import.meta.url)) },
      threads: { ...text, default: '2' },
      batch: { ...text, default: '64' },
      json: text,
    },
  });
  if (!values.help && positionals.length !== 1) {
    throw new TypeError(`expected one folder of images, found ${positionals.length}`);
  }
  return {
    help: values.help ?? false,
    folder: positionals[0],
    limit: values.limit && wholeNumber('limit', values.limit, 2, 1e6),
    model: values.model,
    threads: wholeNumber('threads', values.threads, 1, 256),
    batch: wholeNumber('batch', values.batch, 1, 4096),
    json: values.json,
  };
}
