import { decodeJsonObject } from '../../../lib/checkpoints/json';
import { ScanPath, type ScanPathFields } from '../../../lib/scan-path';
import { attempt, expect } from '../engine/check';
import type { Target } from '../engine/target';
import { mutateJson } from '../mutators/json';

/** `{ path, kept, order }`: the arrays of a path, and of what is made of it. */
export const scanPath: Target = {
  name: 'scan-path',
  seeds: () =>
    [
      { path: { index: [0, 1, 2, 3] }, kept: [1, 3], order: [3, 1, 0, 2] },
      {
        path: {
          index: [2, 0, 4],
          gap: [1, 2, 1],
          offsets: [0, 2, 3],
          paramIndex: [1, 0, 4],
          lengths: [5, 1],
          rows: 6,
        },
      },
      { path: { index: [0, 1], offsets: [0, 0, 2] }, kept: [1], order: [1, 0] },
    ].map((value) => Buffer.from(JSON.stringify(value))),
  mutators: [mutateJson],
  run(input) {
    const json = attempt(['ERR_CHECKPOINT'], () => decodeJsonObject(input, 'path'));
    if (!json || typeof json.path !== 'object' || json.path === null) return;
    const path = attempt(['ERR_ARGUMENT'], () => new ScanPath(json.path as ScanPathFields));
    if (!path) return;
    checkPath(path);
    const made = [
      () => path.subset(json.kept as number[]),
      () => path.permuted(json.order as number[]),
      () => path.reversed(),
      () => path.compacted(),
    ].map((make) => attempt(['ERR_ARGUMENT'], make));
    for (const other of made) if (other) checkPath(other);
    const twice = path.reversed().reversed();
    expect(
      String(twice.index) === String(path.index) && String(twice.gap) === String(path.gap),
      'reversed twice',
    );
  },
};

/** Each step is at a row of its own, and time goes forwards. */
function checkPath(path: ScanPath): void {
  const { index, gap, offsets, paramIndex, lengths, rows, steps, rank } = path;
  expect(
    steps === gap.length && steps === paramIndex.length && offsets.at(-1) === steps,
    'arrays of one length',
  );
  expect(new Set(index).size === steps, 'each row once');
  expect(
    [...index, ...paramIndex].every((row) => row >= 0 && row < rows),
    `rows below ${rows}`,
  );
  expect(
    rank.every((at) => at >= 0),
    `ranks from 0, not ${rank}`,
  );
  for (let s = 0; s < path.sequences; s++) {
    for (let k = offsets[s]; k < offsets[s + 1]; k++) {
      expect(gap[k] >= 1 && rank[k] < lengths[s], `steps within ${lengths[s]} positions, not ${rank[k]}`);
    }
  }
}
