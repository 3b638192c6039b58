import { compareLogits } from '../../../lib/cli/compare-logits';

const logits = (...values: number[]) => Float32Array.from(values);

test('equal logits do not differ, whatever their size', () => {
  const values = logits(1e4, -1e4, 9999);
  expect(compareLogits(values, values)).toEqual({ largest: 0, klDivergence: 0, sameToken: true });
});

test('KL divergence goes from the dense distribution to the reduced one', () => {
  const [quarter, half] = [Math.log(0.25), Math.log(0.5)];
  const dense = logits(half, quarter, quarter);
  const reduced = logits(quarter, half, quarter);
  const { largest, klDivergence, sameToken } = compareLogits(dense, reduced);
  expect(largest).toBeCloseTo(Math.LN2, 6);
  expect(klDivergence).toBeCloseTo(0.25 * Math.LN2, 6); // 1/2 ln 2 - 1/4 ln 2
  expect(sameToken).toBe(false);
  expect(compareLogits(logits(0, 0), logits(0, Math.log(3))).klDivergence).toBeCloseTo(
    0.5 * Math.log(0.5 / 0.25) + 0.5 * Math.log(0.5 / 0.75),
    6,
  );
});

test('a shift of all logits changes their difference and nothing else', () => {
  const { largest, klDivergence, sameToken } = compareLogits(logits(1, 2, 3), logits(3, 4, 5));
  expect(largest).toBe(2);
  expect(klDivergence).toBeCloseTo(0, 12);
  expect(sameToken).toBe(true);
});
