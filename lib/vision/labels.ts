import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, mismatch, SkipscanError } from '../errors';

/** The package's own file, for models of 1000 classes; models/labels/README.md says where it comes from. */
const imagenetFile = path.resolve(__dirname, '../../models/labels/imagenet-1k.txt');

/** The names of ImageNet-1K's classes in the order of the models' logits, such as `tench, Tinca tinca`. */
export function imagenetLabels(): Promise<string[]> {
  return readLabels(imagenetFile, 1000);
}

/**
 * Reads names of classes from a file: one a line, or JSON as an array or as an object with the keys `"0"`, `"1"` and so on. Synset
 * ids before the names (`n01440764 tench`) are left out.
 *
 * @throws SkipscanError `ERR_ARGUMENT` for a file that cannot be read, or that has not one name for each of the `classes`.
 */
export async function readLabels(file: string, classes: number): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new SkipscanError('ERR_ARGUMENT', `The labels ${file} cannot be read: ${cause.message}`, { cause });
  });
  return parseLabels(text, file, classes);
}

/** The same for the text of a file. */
export function parseLabels(text: string, file: string, classes: number): string[] {
  const isJson = /^\s*[[{]/.test(text);
  const labels = isJson ? labelsOfJson(text, file) : labelsOfText(text);
  if (labels.length !== classes) {
    throw mismatch(file, `${classes} labels, one for each class of the model,`, `${labels.length}`);
  }
  return labels;
}

/** Empty lines count, except after the last name: where they are left out all names after them would be one off. */
function labelsOfText(text: string): string[] {
  const lines = text.trimEnd();
  if (lines === '') return [];
  return lines.split(/\r?\n/).map((line) => line.replace(/^n\d{8}[\t ]+/, '').trim());
}

function labelsOfJson(text: string, file: string): string[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new SkipscanError('ERR_ARGUMENT', `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const names = Array.isArray(json) ? json : inOrderOfKeys(json as Record<string, unknown>, file);
  const bad = names.findIndex((name) => typeof name !== 'string');
  if (bad >= 0) throw mismatch(`label ${bad} of ${file}`, 'a string', describe(names[bad]));
  return names;
}

function inOrderOfKeys(json: Record<string, unknown>, file: string): unknown[] {
  const count = Object.keys(json).length;
  return Array.from({ length: count }, (_, i) => {
    if (!(i in json)) throw mismatch(file, `keys "0" to "${count - 1}"`, `an object without "${i}"`);
    return json[i];
  });
}
