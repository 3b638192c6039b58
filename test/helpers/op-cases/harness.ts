import { types } from 'node:util';
import { native } from '../../../lib/native';
import type { NativeOpParams } from '../../../lib/native-types';
import { expectClose } from '../close';
import { kernelSets } from '../kernel-sets';
import { Draw } from '../random';
import { testDevice } from '../test-device';
import { DeviceCopies } from './device-copies';
import { GuardedMemory } from './guarded-memory';
import { type ActivationDtype, activationDtypes, halves, round } from './halves';
import { CaseRecord, recordDirectory } from './record';

type Run = { seed?: number; threads?: number };

/** One operator's cases: a base, and rows that each change some fields of it for the reason they give. */
export type OpCases<Name extends keyof NativeOpParams, Case extends Run> = {
  op: Name;
  base: Case;
  table: readonly (readonly [why: string, change: Partial<Case>])[];
  /** Inputs and outputs of a case: the same for every backend. */
  build(c: Case, memory: GuardedMemory, draw: Draw): NativeOpParams[Name];
  /** The params that are activations, which a GPU takes in bf16 and f16 too. None by default. */
  activations?: readonly (keyof NativeOpParams[Name] & string)[];
  /** What the route says after the backend's name: which of its kernels must run. Undefined: any of them. Or the whole route. */
  kernel?(params: NativeOpParams[Name], backend: string, dtype: ActivationDtype): string | undefined;
  /** Which cases there are on a GPU. All by default. */
  onGpu?(c: Case, dtype: ActivationDtype): boolean;
  /** The largest error allowed, relative to the larger of 1 and the largest value of the output. */
  tolerance: number;
  /**
   * With bf16 and f16: how many roundings to that dtype the results go through. 1 by default: that of an output which is held
   * in it. More where what is multiplied on the way is rounded too; then float32 outputs have that error as well.
   */
  roundings?: number;
};

/** Every backend of this machine but the reference, which they are compared with; where tests are to run on a GPU, its alone. */
export function backends(of: 'any operator' | 'products' = 'any operator'): string[] {
  if (testDevice() !== 'cpu') return ['cuda'];
  const names = of === 'products' ? native.cpuBackends().available : kernelSets();
  return names.filter((name) => name !== 'reference');
}

/** All that one backend writes for a case, by name; fails unless the kernel that is meant for it ran. */
export async function runCase<Name extends keyof NativeOpParams, Case extends Run>(
  cases: OpCases<Name, Case>,
  c: Case,
  backend: string,
  dtype: ActivationDtype = 'f32',
): Promise<ReturnType<GuardedMemory['written']>> {
  const { memory, params } = buildCase(cases, c, dtype);
  const kernel = cases.kernel?.(params, backend, dtype);
  memory.begin();
  if (backend === 'cuda') {
    const copies = new DeviceCopies(testDevice(), params, memory, dtypesOf(cases, dtype));
    const route = await native.runOp(cases.op, copies.params as typeof params, { device: testDevice() });
    expect(route).toMatch(kernel === undefined ? /^cuda\/\w+/ : new RegExp(`^cuda${kernel}$`));
    await copies.readBack(memory);
    copies.dispose();
  } else {
    const route = await native.runOp(cases.op, params, { backend, threads: c.threads ?? 3 });
    expect(route).toBe(routeOf(backend, kernel));
  }
  return memory.written();
}

function routeOf(backend: string, kernel = ''): string {
  if (backend === 'reference') return backend;
  return kernel === '' || kernel.startsWith('/') ? backend + kernel : kernel;
}

/** The tests of one operator: every case on every backend against the reference; or none, where cases are recorded. */
export function testCases<Name extends keyof NativeOpParams, Case extends Run>(
  cases: OpCases<Name, Case>,
): void {
  if (recordDirectory !== undefined) recordCases(cases, recordDirectory);
  else compareCases(cases);
}

function compareCases<Name extends keyof NativeOpParams, Case extends Run>(cases: OpCases<Name, Case>): void {
  for (const backend of backends(cases.op === 'linear' ? 'products' : 'any operator')) {
    for (const dtype of backend === 'cuda' ? activationDtypes : (['f32'] as const)) {
      const table = backend === 'cuda' ? gpuTable(cases, dtype) : cases.table;
      describeCases(`${cases.op} on ${backend} in ${dtype}`, cases, table, async (c) => {
        const want = await runCase(cases, c, 'reference', dtype);
        const got = await runCase(cases, c, backend, dtype);
        const tolerances = tolerancesOf(cases, c, dtype);
        for (const [name, values] of want) {
          expectClose(name, saturated(got.get(name)!, values, dtype), values, tolerances.get(name)!);
        }
      });
    }
  }
}

/** Writes every case that a GPU can have to a file, with what the reference makes of it. */
function recordCases<Name extends keyof NativeOpParams, Case extends Run>(
  cases: OpCases<Name, Case>,
  directory: string,
): void {
  for (const dtype of activationDtypes) {
    describeCases(`${cases.op} in ${dtype}`, cases, gpuTable(cases, dtype), async (c, why) => {
      const { memory, params } = buildCase(cases, c, dtype);
      const record = new CaseRecord(cases.op, why, dtype, params, memory, dtypesOf(cases, dtype));
      memory.begin();
      await native.runOp(cases.op, params, { backend: 'reference' });
      memory.written();
      record.write(directory, tolerancesOf(cases, c, dtype));
    });
  }
}

function describeCases<Name extends keyof NativeOpParams, Case extends Run>(
  title: string,
  { base }: OpCases<Name, Case>,
  table: OpCases<Name, Case>['table'],
  run: (c: Case, why: string) => Promise<void>,
): void {
  if (table.length === 0) return;
  describe(title, () => {
    test.each(table)('%s', (why, change) => run({ ...base, ...change }, why));
  });
}

/** The cases that a GPU can have with activations of this dtype. */
function gpuTable<Name extends keyof NativeOpParams, Case extends Run>(
  cases: OpCases<Name, Case>,
  dtype: ActivationDtype,
): OpCases<Name, Case>['table'] {
  return cases.table.filter(([, change]) => {
    const c = { ...cases.base, ...change };
    if (cases.onGpu && !cases.onGpu(c, dtype)) return false;
    if (dtype === 'f32') return true;
    return activationNames(cases).length > 0 && buildCase(cases, c, dtype).fits;
  });
}

/** Params whose activations hold values of this dtype. They do not fit where one is too large, or held as float32 too. */
function buildCase<Name extends keyof NativeOpParams, Case extends Run>(
  cases: OpCases<Name, Case>,
  c: Case,
  dtype: ActivationDtype,
) {
  const memory = new GuardedMemory();
  const params = cases.build(c, memory, new Draw(c.seed ?? 1));
  const arrays = Object.entries(params).filter(([, value]) => types.isFloat32Array(value));
  const isActivation = ([name]: [string, Float32Array]) => activationNames(cases).includes(name);
  const activations = new Set(arrays.filter(isActivation).map(([, array]) => array));
  const shared = arrays.some((entry) => !isActivation(entry) && activations.has(entry[1]));
  const rounded = [...activations].map((array) => dtype === 'f32' || round(array, dtype));
  return { memory, params, fits: !shared && rounded.every((fits) => fits) };
}

const activationNames = ({ activations = [] }: { activations?: readonly string[] }) => activations;

function dtypesOf(cases: { activations?: readonly string[] }, dtype: ActivationDtype) {
  return (name: string): ActivationDtype => (activationNames(cases).includes(name) ? dtype : 'f32');
}

/** The largest errors allowed, by the names of the outputs. */
function tolerancesOf<Name extends keyof NativeOpParams, Case extends Run>(
  cases: OpCases<Name, Case>,
  c: Case,
  dtype: ActivationDtype,
): Map<string, number> {
  const { memory, params } = buildCase(cases, c, dtype);
  const { roundings = 1, tolerance } = cases;
  const held = new Map(Object.entries(params).map(([name, array]) => [array, dtypesOf(cases, dtype)(name)]));
  return new Map(
    memory.outputs.map(({ name, inner }) => {
      const isRounded = dtype !== 'f32' && types.isFloat32Array(inner);
      const counts = isRounded && (roundings > 1 || held.get(inner) === dtype);
      return [name, tolerance + (counts ? roundings * halves[dtype].rounding : 0)];
    }),
  );
}

/** What has become infinite because the dtype holds no larger numbers is as good as the number. */
function saturated(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  dtype: ActivationDtype,
): ArrayLike<number> {
  if (dtype === 'f32') return got;
  const limit = halves[dtype].limit * (1 - halves[dtype].rounding);
  return Array.from(got, (value, i) => {
    const overflows = Math.abs(value) === Infinity && Math.sign(value) === Math.sign(want[i]);
    return overflows && Math.abs(want[i]) > limit ? want[i] : value;
  });
}
