import { setImmediate as turn } from 'node:timers/promises';
import { SkipscanError } from '../../lib/errors';
import { type JobKind, Queue } from '../../lib/queue';

/** A job that ends when it is told to. */
function job(log: string[] = [], name = '') {
  let end!: () => void;
  let fail!: (error: Error) => void;
  const done = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  const run = async () => {
    log.push(name);
    await done;
    return name;
  };
  return { run, end, fail };
}

const busy = { name: 'SkipscanError', code: 'ERR_BUSY' };
const reason = new Error('changed my mind');

test('jobs run one after another, in the order they came, also when one fails', async () => {
  const queue = new Queue(5);
  const log: string[] = [];
  const jobs = ['a', 'b', 'c'].map((name) => job(log, name));
  const results = jobs.map(({ run }) => queue.run(run));
  const failure = expect(results[1]).rejects.toBe(reason);
  expect(log).toEqual(['a']);
  expect(queue.status()).toEqual({ running: 1, waiting: 2, limit: 5 });
  jobs[2].end();
  await turn();
  expect(log).toEqual(['a']);
  jobs[0].end();
  await results[0];
  expect(log).toEqual(['a', 'b']);
  jobs[1].fail(reason);
  await failure;
  expect(await results[2]).toBe('c');
  expect(log).toEqual(['a', 'b', 'c']);
  expect(queue.status()).toEqual({ running: 0, waiting: 0, limit: 5 });
});

test('a job that throws before it is asynchronous rejects, and the next one runs', async () => {
  const queue = new Queue(5);
  const thrown = queue.run(() => {
    throw reason;
  });
  const next = queue.run(async () => 'next');
  await expect(thrown).rejects.toBe(reason);
  expect(await next).toBe('next');
});

describe('the limit', () => {
  test('one more is refused at once, with numbers and what to do', async () => {
    const queue = new Queue(2);
    const jobs = [job(), job(), job()];
    const results = jobs.map(({ run }) => queue.run(run));
    const refused = queue.run(async () => 0);
    await expect(refused).rejects.toBeInstanceOf(SkipscanError);
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_BUSY',
      message:
        'The model is computing and 2 calls wait already; at most 2 may (the option maxQueue). Await model.ready() before a call, ' +
        'answer that the service is busy, or load the model with a larger maxQueue.',
    });
    expect(queue.status().waiting).toBe(2);
    jobs[0].end();
    await results[0];
    const again = queue.run(async () => 'let in');
    for (const { end } of jobs) end();
    expect(await again).toBe('let in');
  });

  test('of 0 lets nothing wait', async () => {
    const queue = new Queue(0);
    const first = job();
    const result = queue.run(first.run);
    await expect(queue.run(async () => 0)).rejects.toMatchObject(busy);
    first.end();
    await result;
    expect(await queue.run(async () => 'idle again')).toBe('idle again');
  });

  test.each<[JobKind, number]>([
    ['going on', 2],
    ['upkeep', 1],
  ])('does not refuse what is %s', async (kind, waiting) => {
    const queue = new Queue(1);
    const jobs = [job(), job(), job()];
    void queue.run(jobs[0].run);
    void queue.run(jobs[1].run);
    const result = queue.run(jobs[2].run, { kind });
    expect(queue.status().waiting).toBe(waiting);
    for (const { end } of jobs) end();
    await result;
  });

  test('loops that go on take turns, and new work is let in when they have ended', async () => {
    const queue = new Queue(1);
    const log: string[] = [];
    const loop = async (name: string) => {
      for (let i = 0; i < 3; i += 1) await queue.run(async () => log.push(name), { kind: 'going on' });
    };
    const work = async () => log.push('new');
    const loops = [loop('a'), loop('b')];
    await expect(queue.run(work)).rejects.toMatchObject(busy);
    await Promise.all(loops);
    await queue.run(work);
    expect(log).toEqual(['a', 'b', 'a', 'b', 'a', 'b', 'new']);
  });
});

describe('an abort', () => {
  test('of a waiting job takes it out of the line at once', async () => {
    const queue = new Queue(1);
    const log: string[] = [];
    const first = job(log, 'first');
    const running = queue.run(first.run);
    const abort = new AbortController();
    const waiting = queue.run(job(log, 'waiting').run, { signal: abort.signal });
    await expect(queue.run(async () => 0)).rejects.toMatchObject(busy);
    abort.abort(reason);
    expect(queue.status()).toMatchObject({ running: 1, waiting: 0 });
    await expect(waiting).rejects.toBe(reason); // while the first one still runs
    const next = queue.run(async () => 'next');
    first.end();
    await running;
    expect(await next).toBe('next');
    expect(log).toEqual(['first']);
  });

  test('before the call rejects, also where the line is full', async () => {
    const queue = new Queue(0);
    const first = job();
    const running = queue.run(first.run);
    await expect(queue.run(first.run, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    first.end();
    await running;
  });

  test('of one signal takes all its jobs out, and node has nothing to warn of', async () => {
    const queue = new Queue(500);
    const warn = jest.spyOn(process, 'emitWarning');
    const abort = new AbortController();
    const first = job();
    const running = queue.run(first.run, { signal: abort.signal });
    const waiting = Array.from({ length: 100 }, () => queue.run(job().run, { signal: abort.signal }));
    expect(queue.status().waiting).toBe(100);
    abort.abort(reason);
    for (const result of await Promise.allSettled(waiting)) expect(result).toMatchObject({ reason });
    expect(warn).not.toHaveBeenCalled();
    expect(queue.status()).toMatchObject({ running: 1, waiting: 0 });
    first.end();
    await running;
  });

  test('after a job has ended does nothing', async () => {
    const queue = new Queue(1);
    const abort = new AbortController();
    expect(await queue.run(async () => 'done', { signal: abort.signal })).toBe('done');
    const next = job();
    const running = queue.run(next.run);
    abort.abort(reason);
    expect(queue.status()).toMatchObject({ running: 1, waiting: 0 });
    next.end();
    await running;
  });
});

describe('a place', () => {
  test('counts from the beginning, and its jobs are never refused', async () => {
    const queue = new Queue(1);
    const first = job();
    const running = queue.run(first.run);
    const place = queue.reserve();
    expect(queue.status()).toMatchObject({ running: 1, waiting: 1 });
    expect(() => queue.reserve()).toThrow(/1 call waits already; at most 1 may/);
    await expect(queue.run(async () => 0)).rejects.toMatchObject(busy);
    const own = [place.run(async () => 1), place.run(async () => 2)];
    expect(queue.status()).toMatchObject({ running: 1, waiting: 2 });
    first.end();
    await running;
    expect(await Promise.all(own)).toEqual([1, 2]);
    place[Symbol.dispose]();
    expect(queue.status()).toMatchObject({ running: 0, waiting: 0 });
  });

  test('that is given up without a job lets another in', () => {
    const queue = new Queue(0);
    {
      using _place = queue.reserve();
      expect(() => queue.reserve()).toThrow(/computing and 1 call waits/);
    }
    expect(queue.status().waiting).toBe(0);
    queue.reserve();
  });
});

describe('room', () => {
  test('is there for each of many that ask at once, and nobody is refused', async () => {
    const queue = new Queue(3);
    let most = 0;
    const produce = async (i: number) => {
      await queue.room();
      const result = queue.run(async () => {
        await turn();
        return i;
      });
      most = Math.max(most, queue.status().waiting);
      return result;
    };
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => produce(i)));
    expect(results).toEqual([...results.keys()]);
    expect(most).toBe(3);
  });

  test('that is not used goes to the next', async () => {
    const queue = new Queue(0);
    await queue.room();
    await queue.room();
    const both = Promise.all([queue.room(), queue.room()]);
    await expect(both).resolves.toHaveLength(2);
  });

  test('is waited for until a signal aborts', async () => {
    const queue = new Queue(0);
    const first = job();
    const running = queue.run(first.run);
    const abort = new AbortController();
    const gone = queue.room(abort.signal);
    const stays = queue.room();
    abort.abort(reason);
    await expect(gone).rejects.toBe(reason);
    await expect(queue.room(abort.signal)).rejects.toBe(reason);
    first.end();
    await stays;
    await running;
  });

  test('is there when a waiting job was aborted', async () => {
    const queue = new Queue(1);
    const first = job();
    const running = queue.run(first.run);
    const abort = new AbortController();
    const aborted = expect(queue.run(first.run, { signal: abort.signal })).rejects.toBe(reason);
    const room = queue.room();
    abort.abort(reason);
    await aborted;
    await room;
    first.end();
    await running;
  });

  test('never comes once the queue is closed', async () => {
    const queue = new Queue(0);
    const first = job();
    const running = queue.run(first.run);
    const waits = expect(queue.room()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    queue.close(new SkipscanError('ERR_DISPOSED', 'gone'));
    await waits;
    await expect(queue.room()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    first.end();
    await running;
  });
});
