import { expectSame } from '../helpers/close';
import { backends, runCase, testCases } from '../helpers/op-cases/harness';
import { meanRowsCases } from '../helpers/op-cases/mean-rows';

testCases(meanRowsCases);

test.each(backends())('a mean on %s is the same whatever a sequence is packed with', async (backend) => {
  const c = { ...meanRowsCases.base, dim: 217 };
  const [alone, packed] = await Promise.all(
    [[150], [150, 7, 3000, 1]].map((lengths) => runCase(meanRowsCases, { ...c, lengths }, backend)),
  );
  expectSame('out', packed.get('out')!.subarray(0, c.dim), alone.get('out')!);
});
