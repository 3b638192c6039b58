import { estimate, pairedDifference } from '../../../lib/evaluation/statistics';

test('a share and its standard error', () => {
  const values = Float64Array.from({ length: 400 }, (_, i) => Number(i % 5 > 0));
  const { mean, standardError } = estimate(values);
  expect(mean).toBeCloseTo(0.8, 12);
  expect(standardError).toBeCloseTo(Math.sqrt((0.8 * 0.2) / 400), 12);
  expect(estimate([1, 1, 1])).toEqual({ mean: 1, standardError: 0 });
});

test('what two have in common is not in the error of their difference', () => {
  const a = Array.from({ length: 100 }, (_, i) => i % 2);
  const b = a.map((value, i) => (i < 4 ? 1 - value : value));
  expect(pairedDifference(a, a)).toEqual({ mean: 0, standardError: 0 });
  const { mean, standardError } = pairedDifference(b, a); // two are won and two are lost
  expect(mean).toBe(0);
  expect(standardError).toBeCloseTo(Math.sqrt(0.04 / 100), 12);
  expect(pairedDifference([1, 1], [0, 1]).mean).toBe(0.5);
});
