import { ops, Tensor } from '../../lib';
import { useBackend } from '../helpers/chosen-backend';
import { expectClose } from '../helpers/close';
import { kernelSets } from '../helpers/kernel-sets';
import { testCases } from '../helpers/op-cases/harness';
import { tokenLogprobsCases } from '../helpers/op-cases/token-logprobs';
import { Draw } from '../helpers/random';

jest.mock('../../lib/native', () => jest.requireActual('../helpers/chosen-backend'));

testCases(tokenLogprobsCases);

describe.each(kernelSets())('%s', (backend) => {
  beforeAll(() => useBackend(backend));

  test.each([2, 700, 1040, 1041])('where %i logits have no right answer, it is NaN and -1', async (V) => {
    const wrong = [[Number.NaN], [Infinity], [Number.NaN, Infinity], [-Infinity, Number.NaN]];
    const drawn = new Draw(2).floats((wrong.length + 2) * V, -4, 4);
    wrong.forEach((values, row) => void drawn.set(values, row * V + (row % 2 === 0 ? 0 : V - values.length)));
    drawn.fill(-Infinity, wrong.length * V, (wrong.length + 1) * V);
    const tokens = Tensor.from(new Int32Array(wrong.length + 2).fill(1), [wrong.length + 2], {
      dtype: 'i32',
    });
    const logits = Tensor.from(drawn, [wrong.length + 2, V]);
    const { best, logprobs } = await ops.tokenLogprobs({ logits, tokens });
    expect(Array.from(best.data()).slice(0, -1)).toEqual([-1, -1, -1, -1, -1]);
    expect(Array.from(logprobs.data()).slice(0, -1)).toEqual(new Array(5).fill(Number.NaN));
    expect(best.data().at(-1)).toBeGreaterThanOrEqual(0); // the row behind them is as it was
    expect(logprobs.data().at(-1)).toBeLessThan(0);
  });

  test('a token that cannot be has a log-probability of -Infinity', async () => {
    const logits = Tensor.from(Float32Array.of(-Infinity, 1, 1), [1, 3]);
    const tokens = Tensor.from(Int32Array.of(0), [1], { dtype: 'i32' });
    const { best, logprobs } = await ops.tokenLogprobs({ logits, tokens });
    expect([best.data()[0], logprobs.data()[0]]).toEqual([1, -Infinity]);
  });

  test('probabilities of a row sum to 1', async () => {
    const V = 37;
    const row = new Draw(5).floats(V, -9, 9);
    const logits = Tensor.from(
      Float32Array.from({ length: V * V }, (_, i) => row[i % V]),
      [V, V],
    );
    const tokens = Tensor.from(
      Int32Array.from({ length: V }, (_, i) => i),
      [V],
      { dtype: 'i32' },
    );
    const { logprobs } = await ops.tokenLogprobs({ logits, tokens });
    const total = Array.from(logprobs.data(), Math.exp).reduce((a, b) => a + b);
    expectClose('total', [total], [1], 2e-6);
  });
});
