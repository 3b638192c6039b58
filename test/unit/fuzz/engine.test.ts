import { SkipscanError } from '../../../lib/errors';
import { attempt, expect as promise, Violation } from '../../fuzz/engine/check';
import { smallestCover } from '../../fuzz/engine/corpus';
import { Coverage, counters } from '../../fuzz/engine/coverage';
import { Finding, Fuzzer } from '../../fuzz/engine/fuzzer';
import { instrument } from '../../fuzz/engine/instrument';
import type { Target } from '../../fuzz/engine/target';
import { mutateJson } from '../../fuzz/mutators/json';
import { operationsOf } from '../../fuzz/mutators/pickle';

/** A function of instrumented code, by its source. */
function instrumented<F>(source: string): F {
  return new Function(`${instrument(source, 'planted.js')}; return read;`)() as F;
}

function targetOf(run: Target['run'], o: Partial<Target> = {}): Target {
  return { name: 'planted', seeds: () => [Buffer.from('seed')], mutators: [], run, ...o };
}

/** The first failure of a target, if there is one in so many executions. */
async function findingOf(target: Target, executions: number): Promise<Finding | undefined> {
  const fuzzer = new Fuzzer(target, 3);
  try {
    await fuzzer.begin(await target.seeds());
    await fuzzer.fuzz(executions);
  } catch (error) {
    expect(error).toBeInstanceOf(Finding);
    return error as Finding;
  }
  return undefined;
}

/** Four bytes one after the other: 1 in 2^32 without coverage. The bytes are in no literal that the fuzzer could try. */
const planted = `function read(input) {
  if (input[0] !== 0xa0 + 3) return;
  if (input[1] !== 0xb0 + 5) return;
  if (input[2] !== 0xc0 + 7) return;
  if (input[3] !== 0xd0 + 9) return;
  throw new TypeError('planted');
}`;
const executions = 40_000;

test('coverage leads to a planted fault', async () => {
  const finding = await findingOf(targetOf(instrumented(planted)), executions);
  expect(finding?.message).toContain('planted');
  expect([...finding!.input.subarray(0, 4)]).toEqual([0xa3, 0xb5, 0xc7, 0xd9]);
});

test('without coverage the same fault is not found', async () => {
  const read = new Function(`${planted}; return read;`)();
  expect(await findingOf(targetOf(read), executions)).toBeUndefined();
});

test('a fault in a value of JSON is found by changes of the tree', async () => {
  const read = instrumented<(input: Buffer) => void>(`function read(input) {
    let json;
    try { json = JSON.parse(input); } catch { return; }
    if (json && json.sizes && json.sizes[1] === null) throw new TypeError('planted');
  }`);
  const target = targetOf(read, { seeds: () => [Buffer.from('{"sizes":[1,2]}')], mutators: [mutateJson] });
  expect((await findingOf(target, 20_000))?.message).toContain('planted');
});

test('a name that reaches a prototype is a finding', async () => {
  const pollute = targetOf(() => void Object.assign(Object.prototype, { planted: true }));
  const finding = await findingOf(pollute, 1);
  Reflect.deleteProperty(Object.prototype, 'planted');
  expect(finding?.message).toContain('without planted');
});

test('a reader that takes long each time is a finding, one that did once or waited for the processor is not', async () => {
  let [now, computed] = [0, 0];
  const clocks = [
    jest.spyOn(performance, 'now').mockImplementation(() => now),
    jest.spyOn(process, 'cpuUsage').mockImplementation(() => ({ user: 1000 * computed, system: 0 })),
  ];
  const slowAt = (isSlow: (call: number) => boolean, share = 1) => {
    let calls = 0;
    return targetOf(() => {
      if (!isSlow(calls++)) return;
      now += 5000;
      computed += 5000 * share;
    });
  };
  expect(
    (
      await findingOf(
        slowAt(() => true),
        0,
      )
    )?.message,
  ).toContain('within 1000 ms');
  expect(
    await findingOf(
      slowAt((call) => call === 0),
      10,
    ),
  ).toBeUndefined();
  const starved = slowAt(() => true, 0.01);
  expect(await findingOf(starved, 10)).toBeUndefined();
  for (const clock of clocks) clock.mockRestore();
});

test('one seed makes one sequence of inputs', async () => {
  const inputsOf = async (seed: number) => {
    const inputs: string[] = [];
    const fuzzer = new Fuzzer(targetOf(instrumented(planted)), seed, (input) => inputs.push(String(input)));
    await fuzzer.begin([Buffer.from('seed')]);
    await fuzzer.fuzz(50);
    return inputs;
  };
  expect(await inputsOf(1)).toEqual(await inputsOf(1));
  expect(await inputsOf(1)).not.toEqual(await inputsOf(2));
});

test('both ways of a condition, loops by how often they ran, and nothing twice are news', () => {
  const read = instrumented<(n: number) => void>(
    'function read(n) { if (n > 90) return; for (let i = 0; i < n; i++); return n > 5 ? 1 : n && 2; }',
  );
  const coverage = new Coverage();
  const isNews = (n: number) => {
    coverage.clear();
    read(n);
    return coverage.update();
  };
  expect([1, 1, 2, 4, 5, 9, 99, 99].map(isNews)).toEqual([true, false, true, true, false, true, true, false]);
  counters.fill(0);
});

test('refusals of the right kind pass, all else is a violation', () => {
  const refuse = (code: 'ERR_ARGUMENT' | 'ERR_NATIVE', message: string) => () =>
    attempt(['ERR_ARGUMENT'], () => {
      throw new SkipscanError(code, message);
    });
  expect(refuse('ERR_ARGUMENT', 'bad')()).toBeUndefined();
  expect(refuse('ERR_NATIVE', 'bad')).toThrow(Violation);
  expect(refuse('ERR_ARGUMENT', 'x'.repeat(1000))).toThrow('a message below 1000 characters');
  expect(() => promise(false, 'a promise')).toThrow('a promise');
});

test('a cover has the smallest inputs that reach everything, within its limits', () => {
  const [a, bb, ccc] = ['a', 'bb', 'ccc'].map((text) => Buffer.from(text));
  const inputs = [
    { input: ccc, features: [1, 2, 3] },
    { input: a, features: [1] },
    { input: bb, features: [1, 2] },
  ];
  expect(new Set(smallestCover(inputs, { inputs: 9, bytes: 99 }))).toEqual(new Set([a, bb, ccc]));
  expect(smallestCover(inputs, { inputs: 1, bytes: 99 })).toHaveLength(1);
  expect(smallestCover(inputs, { inputs: 9, bytes: 2 })).toEqual([a]);
});

test('a pickle is cut into its operations, whatever is in it', () => {
  const program = Buffer.from('\x80\x02cos\nsystem\nX\x01\0\0\0aK\x05.', 'latin1');
  expect(operationsOf(program).map((operation) => operation.length)).toEqual([2, 11, 6, 2, 1]);
  const broken = Buffer.from('\ncos', 'latin1');
  expect(Buffer.concat(operationsOf(broken))).toEqual(broken);
});
