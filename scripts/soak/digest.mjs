import { createHash } from 'node:crypto';

/** A short name for values to the bit: of numbers, arrays of them, typed arrays, texts and objects of these. */
export function digest(value) {
  const hash = createHash('sha1');
  add(hash, value);
  return hash.digest('base64');
}

function add(hash, value) {
  if (ArrayBuffer.isView(value)) {
    hash.update(`${value.length}:`);
    hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  } else if (Array.isArray(value)) {
    hash.update(`[${value.length}`);
    for (const item of value) add(hash, item);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, item] of Object.entries(value)) {
      hash.update(name);
      add(hash, item);
    }
  } else {
    hash.update(`${typeof value} ${String(value)};`);
  }
}
