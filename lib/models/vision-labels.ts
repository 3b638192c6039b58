import { invalidArgument, mismatch } from '../errors';
import { imagenetLabels, readLabels } from '../vision/labels';

/** Checks the option `labels` as far as that needs no model. */
export function checkLabels(labels: string | readonly string[] | undefined): void {
  if (labels === undefined || (typeof labels === 'string' && labels !== '')) return;
  if (Array.isArray(labels)) {
    const bad = labels.findIndex((label) => typeof label !== 'string');
    if (bad < 0) return;
    throw invalidArgument(`labels[${bad}]`, 'a string', labels[bad]);
  }
  throw invalidArgument('labels', 'a file, or an array with the name of every class', labels);
}

/**
 * The name of every class.
 *
 * @param given the option, or undefined: then those of `file`, of ImageNet-1K, or numbers
 * @throws SkipscanError `ERR_ARGUMENT` where there is not one for each class
 */
export async function labelsFor(
  classes: number,
  given: string | readonly string[] | undefined,
  file: string | undefined,
): Promise<readonly string[]> {
  const source = given ?? file;
  if (typeof source === 'string') return readLabels(source, classes);
  if (source !== undefined) {
    if (source.length === classes) return [...source];
    throw mismatch('labels', `${classes} names, one for each class of the model,`, `${source.length}`);
  }
  return classes === 1000 ? imagenetLabels() : Array.from({ length: classes }, (_, i) => `class ${i}`);
}
