import type { Draw } from '../../helpers/random';
import { safetensorsBytes } from '../../helpers/safetensors-file';
import type { Mutate } from '../engine/target';
import { mutateJson } from './json';
import { PartsOf } from './parts';

/** A change of the header as JSON, in a file whose first bytes say the new header's length. */
export const mutateSafetensorsHeader: Mutate = (input, draw, other) => {
  const { header, data } = parts.of(input);
  return joined(mutateJson(header, draw, parts.of(other).header), data);
};

/** Offsets and an amount of data that fit dtypes and shapes again, so that the checks behind those are reached. */
export const mutateSafetensorsOffsets: Mutate = (input, draw) => {
  const { header, data } = parts.of(input);
  try {
    const claims: Record<string, unknown> = JSON.parse(header.toString());
    const end = layOut(claims, draw);
    return joined(Buffer.from(JSON.stringify(claims)), Buffer.alloc(end));
  } catch {
    return joined(header, data);
  }
};

const elementBytes: Record<string, number> = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, I16: 2 };

/** Gives each tensor the next range of the data, and returns where the last one ends. */
function layOut(header: Record<string, unknown>, draw: Draw): number {
  let end = 0;
  for (const claim of Object.values(header) as {
    dtype?: string;
    shape?: number[];
    data_offsets?: unknown;
  }[]) {
    if (!Array.isArray(claim?.shape)) continue;
    const begin = end;
    end += claim.shape.reduce((a, b) => a * b, elementBytes[String(claim.dtype)] ?? 1);
    if (!(end >= begin && end < 8192)) end = begin + draw.int(0, 64);
    claim.data_offsets = [begin, end];
  }
  return end;
}

const parts = new PartsOf((file) => {
  const claimed = file.length >= 8 ? Number(file.readBigUInt64LE()) : 0;
  const end = 8 + Math.min(claimed, Math.max(0, file.length - 8));
  return { header: file.subarray(8, end), data: file.subarray(end) };
});

function joined(header: Buffer, data: Buffer): Buffer {
  return parts.joined(safetensorsBytes(header, data), { header, data });
}
