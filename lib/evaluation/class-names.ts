import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** What names of classes are matched by: the model's labels, WordNet's synset ids, or their numbers. */
export type ClassNaming = 'label' | 'synset' | 'number';

/** What a model's classes may be called. */
export type ClassNames = {
  numClasses: number;
  /** In the order of the logits; such as `tench, Tinca tinca`. */
  labels?: readonly string[];
  /** In the same order; such as `n01440764`. */
  synsets?: readonly string[];
};

/**
 * The classes that all of `names` name, in the order of the names: by label, by synset id or by number, whichever knows them all.
 * A label of several words separated by commas may be given by its first; capitals and `_` for a space do not matter.
 *
 * @returns undefined where no naming knows every name, or two names mean one class
 */
export function matchClasses(
  names: readonly string[],
  { numClasses, labels = [], synsets = [] }: ClassNames,
): { naming: ClassNaming; classes: number[] } | undefined {
  const namings: [ClassNaming, (name: string) => number | undefined][] = [
    ['label', finder(labels)],
    ['synset', finder(synsets)],
    ['number', (name) => (/^\d+$/.test(name) && Number(name) < numClasses ? Number(name) : undefined)],
  ];
  for (const [naming, find] of namings) {
    const classes = names.map(find).filter((found) => found !== undefined);
    if (classes.length === names.length && new Set(classes).size === classes.length) {
      return { naming, classes };
    }
  }
  return undefined;
}

/** Which class a name means: a whole label before the first word of another; what several classes are called means none. */
function finder(labels: readonly string[]): (name: string) => number | undefined {
  const whole = numbered(labels.map(normal));
  const first = numbered(labels.map((label) => normal(label.split(',')[0])));
  return (name) => (whole.has(normal(name)) ? whole : first).get(normal(name));
}

/** The place of each name, undefined for one that is there more than once. */
function numbered(names: readonly string[]): Map<string, number | undefined> {
  const places = new Map<string, number | undefined>();
  for (const [i, name] of names.entries()) places.set(name, places.has(name) ? undefined : i);
  return places;
}

function normal(name: string): string {
  return name.toLowerCase().replaceAll('_', ' ').trim();
}

const imagenetClasses = path.resolve(__dirname, '../../models/labels/imagenet-1k.txt');

/** The synset ids of ImageNet-1K's classes, in the order of the models' logits. */
export async function imagenetSynsets(): Promise<string[]> {
  const text = await readFile(imagenetClasses, 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t')[0]);
}
