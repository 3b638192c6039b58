import type { Draw } from '../../helpers/random';
import { literals } from '../engine/instrument';
import type { Mutate } from '../engine/target';
import { drawLiteral, mutateBytes } from './bytes';

/** A change of the tree that a JSON text describes; of the text itself where it describes none. */
export const mutateJson: Mutate = (input, draw, other) => {
  const tree = parsed(input);
  if (tree === undefined || draw.next() < 0.05) return mutateBytes(input, draw, other);
  const result = changed(tree, draw, parsed(other) ?? null) ?? null;
  const text = Buffer.from(JSON.stringify(result));
  trees.set(text, result);
  return text;
};

/** Trees of texts: the same inputs are changed again and again, and parsing would cost more than what is tested. */
const trees = new WeakMap<Buffer, unknown>();

function parsed(text: Buffer): unknown {
  if (!trees.has(text)) trees.set(text, parse(text.toString('utf8')));
  return trees.get(text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The tree with one of its values changed: walks down by chance, and changes where the walk ends. */
export function changed(value: unknown, draw: Draw, other: unknown): unknown {
  if (typeof value !== 'object' || value === null) return leaf(value, draw, other);
  const stay = draw.next();
  if (Array.isArray(value)) {
    const at = draw.int(0, value.length);
    if (stay < 0.25 || value.length === 0) return changedArray(value, draw, at, other);
    return value.with(at % value.length, changed(value[at % value.length], draw, other));
  }
  const entries = Object.entries(value);
  const at = draw.int(0, Math.max(0, entries.length - 1));
  if (stay < 0.2 || entries.length === 0) return changedObject(entries, draw, at, other);
  const [name, inner] = entries[at];
  return Object.fromEntries(entries.with(at, [name, changed(inner, draw, other)]));
}

function changedArray(array: unknown[], draw: Draw, at: number, other: unknown): unknown {
  switch (draw.int(0, 5)) {
    case 0:
      return array.toSpliced(at, 1);
    case 1:
      return array.toSpliced(at, 0, array[draw.int(0, Math.max(0, array.length - 1))] ?? null);
    case 2:
      return array.toSpliced(at, 0, anyValue(draw, other));
    case 3:
      return array.toReversed();
    case 4:
      return array.length < 64 ? [...array, ...array] : array.slice(0, at);
    default:
      return anyValue(draw, other);
  }
}

function changedObject(entries: [string, unknown][], draw: Draw, at: number, other: unknown): unknown {
  if (entries.length === 0) return { [drawLiteral(draw)]: anyValue(draw, other) };
  const some = entries[at];
  switch (draw.int(0, 5)) {
    case 0:
      return Object.fromEntries(entries.toSpliced(at, 1));
    case 1:
      return Object.fromEntries([...entries, [drawLiteral(draw), anyValue(draw, other)]]);
    case 2:
      return Object.fromEntries(entries.with(at, [changedText(some[0], draw), some[1]]));
    case 3:
      return Object.fromEntries([...entries, [drawLiteral(draw), some[1]]]);
    case 4:
      return Object.fromEntries([
        ...entries,
        ...(isObject(other) ? draw.some(Object.entries(other), 0.3) : []),
      ]);
    default:
      return anyValue(draw, other);
  }
}

function leaf(value: unknown, draw: Draw, other: unknown): unknown {
  if (draw.next() < 0.3) return anyValue(draw, other);
  if (typeof value === 'number') return changedNumber(value, draw);
  if (typeof value === 'string') return changedText(value, draw);
  return typeof value === 'boolean' ? !value : anyValue(draw, other);
}

function changedNumber(value: number, draw: Draw): number {
  return draw.pick([
    value + draw.int(-2, 2),
    value * draw.pick([2, 0.5, -1, 1024]),
    draw.pick([0, -0, 1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e21, 1e300, 5e-324, -1]),
    draw.pick([...literals.numbers, 4]),
  ]);
}

function changedText(text: string, draw: Draw): string {
  const at = draw.int(0, text.length);
  return draw.pick([
    drawLiteral(draw),
    text.slice(0, at) + text.slice(at + 1),
    text.slice(0, at) + String.fromCharCode(draw.int(0, draw.pick([127, 255, 0xffff]))) + text.slice(at),
    text.slice(0, at) + text,
    '',
    text.slice(0, at) + drawLiteral(draw) + text.slice(at),
    (text || 'x').repeat(draw.pick([2, 50])).slice(0, 2000),
  ]);
}

function anyValue(draw: Draw, other: unknown): unknown {
  switch (draw.int(0, 8)) {
    case 0:
      return null;
    case 1:
      return draw.next() < 0.5;
    case 2:
      return [];
    case 3:
      return { [drawLiteral(draw)]: draw.pick([1, null, [], '']) };
    case 4:
      return draw.pick(['', drawLiteral(draw)]);
    case 5:
      return partOf(other, draw);
    case 6:
      return [changedNumber(0, draw)];
    // What cannot be made a string or a number of.
    case 7:
      return { toString: 1, valueOf: 1 };
    default:
      return changedNumber(1, draw);
  }
}

/** A value somewhere in a tree. */
function partOf(tree: unknown, draw: Draw): unknown {
  if (typeof tree !== 'object' || tree === null || draw.next() < 0.2) return tree;
  const inner = Object.values(tree);
  return inner.length === 0 ? tree : partOf(draw.pick(inner), draw);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
