// How many threads share the work changes no bit of the results: sums over channels have one order.
import { expectSame } from '../helpers/close';
import { depthwiseConv2dCases } from '../helpers/op-cases/depthwise-conv2d';
import { backends, type OpCases, runCase } from '../helpers/op-cases/harness';
import { meanRowsCases } from '../helpers/op-cases/mean-rows';
import { gatedRmsNormCases, layerNormCases } from '../helpers/op-cases/norms';
import { selectiveScanCases } from '../helpers/op-cases/selective-scan';
import { ssdScanCases } from '../helpers/op-cases/ssd-scan';
import { selectiveStateCases, ssdStateCases } from '../helpers/op-cases/state-importance';

const path = { lengths: [70, 3, 1, 40], keep: 0.7 };
const importance = { metric: 'l1', source: 'gated' } as const;

function sameOnAnyThreads<
  Name extends Parameters<typeof runCase>[0]['op'],
  Case extends { threads?: number },
>(cases: OpCases<Name, Case>, change: Partial<Case>): void {
  test(cases.op, async () => {
    for (const backend of backends()) {
      const c = { ...cases.base, ...change };
      const want = await runCase(cases, { ...c, threads: 1 }, backend);
      for (const threads of [2, 7, 16]) {
        const got = await runCase(cases, { ...c, threads }, backend);
        for (const [name, values] of want) {
          expectSame(`${name} on ${threads} threads of ${backend}`, got.get(name)!, values);
        }
      }
    }
  });
}

sameOnAnyThreads(selectiveScanCases, { ...path, channels: 531, importance });
sameOnAnyThreads(ssdScanCases, { ...path, heads: 27, importance });
sameOnAnyThreads(depthwiseConv2dCases, { grid: [14, 14], keep: [0.7, 0.1, 1], channels: 531 });
sameOnAnyThreads(gatedRmsNormCases, { rows: 90, dim: 1036, groupSize: 518, metric: 'l1' });
sameOnAnyThreads(layerNormCases, { rows: 90, dim: 1037 });
sameOnAnyThreads(meanRowsCases, { lengths: [70, 3, 0, 900], dim: 1037 });
sameOnAnyThreads(selectiveStateCases, { ...path, channels: 531 });
sameOnAnyThreads(ssdStateCases, { ...path, heads: 27 });
