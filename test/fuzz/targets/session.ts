import { createHash } from 'node:crypto';
import { decodeSession, encodeSession, type SavedSession } from '../../../lib/models/session-file';
import { prune } from '../../../lib/reduction';
import type { Draw } from '../../helpers/random';
import { attempt, expect } from '../engine/check';
import type { Target } from '../engine/target';
import { mutateJson } from '../mutators/json';
import { PartsOf } from '../mutators/parts';

const digestBytes = 32;
const prefixBytes = 16;

/**
 * A saved session without its checksum, which is made anew: it would stop every change, and whoever forges a file can
 * compute it too.
 */
export const session: Target = {
  name: 'session',
  seeds: async () => {
    const kept = [{ layer: 1, offsets: Int32Array.of(0, 3), positions: Int32Array.of(0, 2, 5) }];
    const reduction = prune({ layers: [1], keep: 0.5 });
    const saved = await Promise.all([
      encode({ fingerprint: 'ab12', length: 0, kept: [], state: new Uint8Array(0) }),
      encode({ fingerprint: 'ab12', length: 6, kept, reduction, state: new Uint8Array(16) }),
    ]);
    return saved.map((bytes) => Buffer.from(bytes.subarray(0, bytes.length - digestBytes)));
  },
  mutators: [mutateHeader],
  async run(input) {
    const saved = Buffer.concat([input, createHash('sha256').update(input).digest()]);
    const found = attempt(['ERR_ARGUMENT', 'ERR_UNSUPPORTED'], () => decodeSession(saved));
    if (!found) return;
    expect(Number.isSafeInteger(found.length) && found.length >= 0, `a length, not ${found.length}`);
    expect(found.state.byteLength <= input.length, 'a state within the file');
    for (const { layer, offsets, positions } of found.kept) {
      expect(Number.isSafeInteger(layer) && layer >= 0, `a layer, not ${layer}`);
      expect(
        offsets.length === 2 && offsets[0] === 0 && offsets[1] === positions.length,
        'offsets of one sequence',
      );
      const rise = positions.every(
        (at, i) => at >= 0 && at < found.length && (i === 0 || at > positions[i - 1]),
      );
      expect(rise, `rising positions within ${found.length} tokens, not ${positions}`);
    }
    const again = await encode(found);
    const twice = await encode(decodeSession(again));
    expect(Buffer.compare(twice, again) === 0, 'a session that is saved as it was read');
  },
};

function encode({ state, ...header }: SavedSession): Promise<Uint8Array> {
  return encodeSession(header, state.byteLength, async (into) => into.set(state));
}

const parts = new PartsOf((file) => {
  const end = prefixBytes + Math.min(file.readUInt32LE(12), file.length - prefixBytes);
  return {
    prefix: file.subarray(0, prefixBytes),
    header: file.subarray(prefixBytes, end),
    state: file.subarray(end),
  };
});

/** A change of the header as JSON, with its length and the state's made right most times. */
function mutateHeader(input: Buffer, draw: Draw, other: Buffer): Buffer {
  if (input.length < prefixBytes || other.length < prefixBytes) return input;
  const { prefix, header, state } = parts.of(input);
  const changed = mutateJson(header, draw, parts.of(other).header);
  const text = String(changed).replace(/"stateBytes":\d+/, `"stateBytes":${state.length}`);
  const fitting = draw.next() < 0.9 && text !== String(changed) ? Buffer.from(text) : changed;
  const start = Buffer.from(prefix);
  start.writeUInt32LE(fitting.length, 12);
  return parts.joined(Buffer.concat([start, fitting, state]), { prefix: start, header: fitting, state });
}
