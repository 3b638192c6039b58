import { expectSame } from '../helpers/close';
import { backends, runCase, testCases } from '../helpers/op-cases/harness';
import { tokenImportanceCases } from '../helpers/op-cases/token-importance';

testCases(tokenImportanceCases);

test.each(backends())('the number of threads does not change a bit on %s', async (backend) => {
  const c = { ...tokenImportanceCases.base, lengths: [700, 200], channels: 83 };
  for (const metric of ['clip', 'l2', 'novel2'] as const) {
    const [one, many] = await Promise.all(
      [1, 5].map((threads) => runCase(tokenImportanceCases, { ...c, metric, threads }, backend)),
    );
    expectSame(metric, many.get('scores')!, one.get('scores')!);
  }
});
