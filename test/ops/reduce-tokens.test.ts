import { native } from '../../lib/native';
import { expectSame } from '../helpers/close';
import { GuardedMemory } from '../helpers/op-cases/guarded-memory';
import { backends, runCase, testCases } from '../helpers/op-cases/harness';
import { reduceTokensCases } from '../helpers/op-cases/reduce-tokens';
import { Draw } from '../helpers/random';

testCases(reduceTokensCases);

describe.each([...backends(), 'reference'])('reduce_tokens on %s', (backend) => {
  test.each(reduceTokensCases.table)('in place: %s', async (_why, change) => {
    const c = { ...reduceTokensCases.base, ...change };
    const outputs = await runCase(reduceTokensCases, c, backend);
    const params = reduceTokensCases.build(c, new GuardedMemory(), new Draw(1));
    const inPlace = { ...params, hiddenOut: params.hidden, residualOut: params.residual };
    await native.runOp('reduce_tokens', inPlace, { backend, threads: 3 });
    for (const [name, want] of outputs) {
      expectSame(name, params[name as 'hidden' | 'residual']!.subarray(0, want.length), want);
    }
  });
});
