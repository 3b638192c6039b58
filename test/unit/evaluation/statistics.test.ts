import { aggregate, difference, estimate, pairedDifference } from '../../../lib/evaluation/statistics';

test('a share and its standard error', () => {
  const values = Float64Array.from({ length: 400 }, (_, i) => Number(i % 5 > 0));
  const { mean, standardError } = estimate(values);
  expect(mean).toBeCloseTo(0.8, 12);
  expect(standardError).toBeCloseTo(Math.sqrt((0.8 * 0.2) / 399), 12);
  expect(estimate([1, 1, 1])).toEqual({ mean: 1, standardError: 0 });
  expect(estimate([3])).toEqual({ mean: 3, standardError: Number.NaN }); // one sample says nothing about it
});

test('what two have in common is not in the error of their difference', () => {
  const a = Array.from({ length: 100 }, (_, i) => i % 2);
  const b = a.map((value, i) => (i < 4 ? 1 - value : value));
  expect(pairedDifference(a, a)).toEqual({ mean: 0, standardError: 0 });
  const { mean, standardError } = pairedDifference(b, a); // two are won and two are lost
  expect(mean).toBe(0);
  expect(standardError).toBeCloseTo(Math.sqrt(0.04 / 99), 12);
  expect(pairedDifference([1, 1], [0, 1]).mean).toBe(0.5);
});

test('a perplexity and its error are those of its exponent, to the first order', () => {
  const perplexity = { aggregate: 'perplexity' } as const;
  const logprobs = [-1, -2, -4, -1.5];
  const { mean, standardError } = estimate(logprobs);
  expect(aggregate({ aggregate: 'mean' }, logprobs)).toEqual({ mean, standardError });
  expect(aggregate(perplexity, logprobs).mean).toBe(Math.exp(-mean));
  expect(aggregate(perplexity, logprobs).standardError).toBeCloseTo(Math.exp(-mean) * standardError, 12);
});

test('a difference of perplexities: the same for both is none, and a constant factor has no error of its own', () => {
  const perplexity = { aggregate: 'perplexity' } as const;
  const logprobs = [-1, -2, -4, -1.5];
  expect(difference(perplexity, logprobs, logprobs)).toEqual({ mean: 0, standardError: 0 });
  const shifted = logprobs.map((logprob) => logprob - 0.01);
  const dense = aggregate(perplexity, logprobs);
  const { mean, standardError } = difference(perplexity, shifted, logprobs);
  expect(mean).toBeCloseTo(dense.mean * (Math.exp(0.01) - 1), 12);
  // Both move together: what is left is the error of the perplexity, scaled by how far apart they are.
  expect(standardError).toBeCloseTo(dense.standardError * (Math.exp(0.01) - 1), 12);
  expect(difference({ aggregate: 'mean' }, shifted, logprobs).mean).toBeCloseTo(-0.01, 12);
});
