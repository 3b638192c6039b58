import { createHash } from 'node:crypto';
import { isCount } from '../checkpoints/dtypes';
import { invalidArgument, SkipscanError } from '../errors';
import { policyFromJSON } from '../reduction/policies';
import { readRegular } from '../regular-file';
import type { SessionState } from './session';

/**
 * A saved session: the magic bytes, the format's version and the header's length (both little-endian uint32), the header
 * as JSON, the state as float32, and the SHA-256 of all that came before.
 */
const magic = Buffer.from('SKIPSCAN', 'latin1');
const version = 1;
const prefixLength = magic.length + 8;
const digestLength = 32;

export type SavedSession = SessionState & {
  /** The model's: a hash of its weights. */
  fingerprint: string;
  state: Uint8Array;
};

export function encodeSession({ state, kept, ...rest }: SavedSession): Uint8Array {
  const positions = kept.map((k) => ({ layer: k.layer, positions: [...k.positions] }));
  const header = Buffer.from(
    JSON.stringify({ ...rest, kept: positions, stateBytes: state.byteLength }),
    'utf8',
  );
  const bytes = Buffer.alloc(prefixLength + header.length + state.byteLength + digestLength);
  magic.copy(bytes);
  bytes.writeUInt32LE(version, magic.length);
  bytes.writeUInt32LE(header.length, magic.length + 4);
  header.copy(bytes, prefixLength);
  bytes.set(state, prefixLength + header.length);
  const end = bytes.length - digestLength;
  createHash('sha256').update(bytes.subarray(0, end)).digest().copy(bytes, end);
  return bytes;
}

export function decodeSession(saved: Uint8Array): SavedSession {
  if (!ArrayBuffer.isView(saved)) throw damaged('is not a Uint8Array');
  const bytes = Buffer.from(saved.buffer, saved.byteOffset, saved.byteLength);
  if (bytes.length < prefixLength + digestLength || !bytes.subarray(0, magic.length).equals(magic)) {
    throw damaged('does not start like one');
  }
  const found = bytes.readUInt32LE(magic.length);
  if (found !== version) {
    throw new SkipscanError(
      'ERR_UNSUPPORTED',
      `The saved session has format version ${found}; this version of skipscan reads version ${version}. ` +
        `Prefill the prompt again, or use the version that saved it.`,
    );
  }
  const end = bytes.length - digestLength;
  const digest = createHash('sha256').update(bytes.subarray(0, end)).digest();
  if (!digest.equals(bytes.subarray(end))) throw damaged('does not match its checksum');
  const stateStart = prefixLength + bytes.readUInt32LE(magic.length + 4);
  const header = parseHeader(bytes.subarray(prefixLength, Math.min(stateStart, end)));
  const { fingerprint, length, stateBytes, kept, reduction } = header;
  if (
    typeof fingerprint !== 'string' ||
    !isCount(length) ||
    stateBytes !== end - stateStart ||
    !Array.isArray(kept) ||
    !kept.every((each) => isKept(each, length))
  ) {
    throw damaged('has a header that does not fit its contents');
  }
  return {
    fingerprint,
    length,
    kept: kept.map(({ layer, positions }) => ({
      layer,
      offsets: Int32Array.of(0, positions.length),
      positions: Int32Array.from(positions),
    })),
    reduction: reduction === undefined ? undefined : policyFromJSON(reduction, 'the saved reduction'),
    state: bytes.subarray(stateStart, end),
  };
}

/** Reads a saved session, which `decodeSession` then takes apart. */
export async function readSessionFile(file: string): Promise<Uint8Array> {
  const path = checkedFile(file);
  try {
    return await readRegular(path);
  } catch (cause) {
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `The saved session ${path} cannot be read: ${(cause as Error).message}.`,
      { cause },
    );
  }
}

export function checkedFile(file: unknown): string {
  if (typeof file === 'string' && file !== '' && !file.includes('\0')) return file;
  throw invalidArgument('file', 'the path of a file', file);
}

/** What one reduction left of so many tokens: rising positions. A checksum only shows that nobody changed the file by accident. */
function isKept(value: unknown, length: number): value is { layer: number; positions: number[] } {
  const { layer, positions } = Object(value);
  return (
    isCount(layer) &&
    Array.isArray(positions) &&
    positions.every(
      (at, i) => isCount(at) && at < length && at < 2 ** 31 && (i === 0 || at > positions[i - 1]),
    )
  );
}

function parseHeader(bytes: Buffer): Record<string, unknown> {
  try {
    return Object(JSON.parse(bytes.toString('utf8')));
  } catch {
    throw damaged('has a header that is not JSON');
  }
}

function damaged(why: string): SkipscanError {
  return new SkipscanError(
    'ERR_ARGUMENT',
    `The saved session ${why}: it is damaged, cut short, or not something that Session.save() returned. Prefill the prompt again.`,
  );
}
