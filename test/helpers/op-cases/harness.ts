import { native } from '../../../lib/native';
import type { NativeOpParams } from '../../../lib/native-types';
import { expectClose } from '../close';
import { Draw } from '../random';
import { GuardedMemory } from './guarded-memory';

type Run = { seed?: number; threads?: number };

/** One operator's cases: a base, and rows that each change some fields of it for the reason they give. */
export type OpCases<Name extends keyof NativeOpParams, Case extends Run> = {
  op: Name;
  base: Case;
  table: readonly (readonly [why: string, change: Partial<Case>])[];
  /** Inputs and outputs of a case: the same for every backend. */
  build(c: Case, memory: GuardedMemory, draw: Draw): NativeOpParams[Name];
  /** What the route says after the backend's name: which of its kernels must run. */
  kernel?(params: NativeOpParams[Name]): string;
  /** The largest error allowed, relative to the larger of 1 and the largest value of the output. */
  tolerance: number;
};

/** Every backend of this machine but the reference, which they are compared with. */
export function backends(): string[] {
  return native.cpuBackends().available.filter((name) => name !== 'reference');
}

/** All that one backend writes for a case, by name; fails unless the kernel that is meant for it ran. */
export async function runCase<Name extends keyof NativeOpParams, Case extends Run>(
  { op, build, kernel = () => '' }: OpCases<Name, Case>,
  c: Case,
  backend: string,
): Promise<ReturnType<GuardedMemory['written']>> {
  const memory = new GuardedMemory();
  const params = build(c, memory, new Draw(c.seed ?? 1));
  const route = await native.runOp(op, params, { backend, threads: c.threads ?? 3 });
  expect(route).toBe(backend + (backend === 'reference' ? '' : kernel(params)));
  return memory.written();
}

/** The tests of one operator: every case on every backend against the reference. */
export function testCases<Name extends keyof NativeOpParams, Case extends Run>(
  cases: OpCases<Name, Case>,
): void {
  describe.each(backends())(`${cases.op} on %s`, (backend) => {
    test.each(cases.table)('%s', async (_why, change) => {
      const c = { ...cases.base, ...change };
      const want = await runCase(cases, c, 'reference');
      const got = await runCase(cases, c, backend);
      for (const [name, values] of want) expectClose(name, got.get(name)!, values, cases.tolerance);
    });
  });
}
