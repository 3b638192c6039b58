// node main.mjs FOLDER OUTPUT.jsonl: names the class of every image below a folder, a line of JSON each.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadVisionModel, recommended, SkipscanError } from 'skipscan';
import { Results } from './results.mjs';

const usage =
  'usage: node main.mjs FOLDER OUTPUT.jsonl --model MODEL [--batch 8] [--top 3] [--save-flops 0.3]';
const endings = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.avif', '.tif', '.tiff']);

/** The images below a folder, in the order of their names: the same whenever nothing has changed. @param {string} folder */
async function imagesBelow(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && endings.has(path.extname(entry.name).toLowerCase()))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
}

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      model: { type: 'string' },
      batch: { type: 'string', default: '8' },
      top: { type: 'string', default: '3' },
      'save-flops': { type: 'string' },
    },
  });
  const [folder, output] = positionals;
  if (positionals.length !== 2 || values.model === undefined)
    throw new Error('expected a folder, an output and a model');
  const batch = Number(values.batch);
  if (!Number.isInteger(batch) || batch < 1) throw new Error('expected a whole number above 0 for --batch');
  const saving = values['save-flops'];
  return {
    ...{ folder, output, batch, model: values.model, topK: Number(values.top) },
    flopsReduction: saving === undefined ? undefined : Number(saving),
  };
}

/**
 * The classes of some images. One that cannot be read fails the whole batch, so they are then taken one by one.
 *
 * @param {import('skipscan').VisionModel} model
 * @param {string} folder
 * @param {string[]} files
 * @param {import('skipscan').ClassifyOptions} o
 * @returns {Promise<import('./results.mjs').Line[]>}
 */
async function classify(model, folder, files, o) {
  try {
    const classes = await model.classify(
      files.map((file) => path.join(folder, file)),
      o,
    );
    return files.map((file, i) => ({ file, classes: classes[i] }));
  } catch (error) {
    if (!(error instanceof SkipscanError && error.code === 'ERR_ARGUMENT')) throw error;
    if (files.length === 1) return [{ file: files[0], error: error.message }];
  }
  const lines = [];
  for (const file of files) lines.push(...(await classify(model, folder, [file], o)));
  return lines;
}

/** @param {ReturnType<typeof readOptions>} options @param {AbortSignal} signal */
async function run({ folder, output, batch, model: source, topK, flopsReduction }, signal) {
  const images = await imagesBelow(folder);
  const model = await loadVisionModel(source, { signal });
  const reduction = flopsReduction === undefined ? undefined : recommended(model.config, { flopsReduction });
  // Everything that decides a line, so that a file never holds those of two different runs.
  const header = { model: source, dtype: model.dtype, topK, reduction: reduction ?? 'none' };
  const results = await Results.open(output, header);
  let broken = 0;
  let done = results.done.size;
  try {
    const left = images.filter((file) => !results.done.has(file));
    done = images.length - left.length;
    for (let i = 0; i < left.length; i += batch) {
      signal.throwIfAborted();
      const lines = await classify(model, folder, left.slice(i, i + batch), {
        topK,
        signal,
        ...(reduction && { reduction }),
      });
      await results.append(lines);
      done += lines.length;
      for (const line of lines) {
        if (line.error === undefined) continue;
        broken += 1;
        console.error(`skipped: ${line.error}`);
      }
      if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${images.length}`);
    }
    if (process.stderr.isTTY) process.stderr.write('\n');
  } finally {
    await results.close();
    await model.dispose();
    console.log(
      `${done} of ${images.length} images in ${output}${broken ? `, ${broken} of them broken` : ''}`,
    );
  }
}

const stop = new AbortController();
process.once('SIGINT', () => stop.abort()); // a second Ctrl-C ends the process as usual
let options;
try {
  options = readOptions();
} catch (error) {
  console.error(`${/** @type {Error} */ (error).message}\n${usage}`);
  process.exit(2);
}
try {
  await run(options, stop.signal);
} catch (error) {
  if (stop.signal.aborted) console.error('interrupted; the same command goes on from here');
  else console.error(/** @type {Error} */ (error).message);
  process.exitCode = stop.signal.aborted ? 130 : 1;
}
