import { gainOf, measureInTurns, summarize, type Times } from '../../../lib/cli/turns';

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('every kind of work once untimed, then in turns', async () => {
  const done: string[] = [];
  const progress: number[][] = [];
  const work = (name: string) => async () => {
    done.push(name);
    return `${name}${done.length}`;
  };
  const measured = await measureInTurns([work('a'), work('b')], {
    rounds: 2,
    workspace: () => done.length,
    onProgress: (...runs) => progress.push(runs),
  });
  expect(done).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
  expect(progress).toEqual([1, 2, 3, 4, 5, 6].map((runs) => [runs, 6]));
  expect(measured.map(({ result }) => result)).toEqual(['a1', 'b2']);
  for (const [i, { measurement }] of measured.entries()) {
    expect(measurement.milliseconds.values).toHaveLength(2);
    expect(measurement.workspace).toBe(i + 1);
  }
});

test('the workspace is looked at while the work runs', async () => {
  let bytes = 1;
  const work = async () => {
    bytes = 50;
    await pause(30);
    bytes = 2;
  };
  const [{ measurement }] = await measureInTurns([work], { rounds: 1, workspace: () => bytes });
  expect(measurement.workspace).toBe(50);
});

test('medians', () => {
  expect(summarize([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, values: [3, 1, 2] });
  expect(summarize([4, 1, 2, 3]).median).toBe(2.5);
});

test('speedup, and its share of what the saved FLOPs allow', () => {
  const of = (median: number) => ({ milliseconds: { median } as Times, workspace: 0 });
  expect(gainOf(of(100), of(80), 0.3)).toEqual({ speedup: 1.25, ratio: expect.closeTo(0.875, 12) });
  expect(gainOf(of(100), of(70), 0.3).ratio).toBeCloseTo(1, 12);
});
