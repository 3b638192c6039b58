import { json, run } from '../helpers/command-line';
import { randomModel } from '../helpers/random-model';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const shape = { family: 'mamba', dModel: 16, layers: 6, vocab: 50, dState: 4 } as const;
const folder = files.writeAll('model', randomModel(shape));
const where = ['--model', folder, '--device', 'cpu', '--threads', '1'];
const work = ['bench', 'model', ...where, '--length', '40', '--steps', '3', '--rounds', '2'];

type Operator = { name: string; calls: number; seconds: number; flops: number; bytes: number };
type Profile = { work: string; seconds: number; operators: Operator[] };

test('bench model measures loading, prefill and decode', () => {
  const report = json([...work, '--batch', '1,4']);
  expect(report).toMatchObject({ model: folder, family: 'mamba', rounds: 2, seed: 0, threads: 1 });
  expect(report.firstTokenMilliseconds).toBeGreaterThan(report.loadMilliseconds);
  const { prefill, decode } = report;
  const measured = [prefill, ...decode].map(({ milliseconds, tokensPerSecond, ...rest }) => {
    expect(milliseconds.values).toHaveLength(2);
    expect(tokensPerSecond.median).toBeCloseTo((1000 * rest.tokens) / milliseconds.median, 6);
    expect(tokensPerSecond.min).toBeLessThanOrEqual(tokensPerSecond.max);
    return rest;
  });
  expect(measured).toEqual([{ tokens: 40 }, { batch: 1, tokens: 3 }, { batch: 4, tokens: 3 * 4 }]);
  expect(report.profile).toBeUndefined();
  expect(report.reduction).toBeUndefined();
});

test('--profile says where the time of each went, with the limits of the machine', () => {
  const { profile } = json([...work, '--profile', '--reduce', 'prune', '--keep', '0.5']);
  const { flops, bytes, exponentials } = profile.limits;
  for (const limit of [flops, bytes, exponentials]) expect(limit).toBeGreaterThan(0);
  const [prefill, decode]: Profile[] = profile.profiles;
  expect([prefill.work, decode.work]).toEqual(['prefill of 40 tokens', 'decode of 3 tokens, batch of 1']);
  for (const { operators, seconds } of [prefill, decode]) {
    expect(operators.reduce((sum, operator) => sum + operator.seconds, 0)).toBeLessThanOrEqual(seconds);
  }
  const callsOf = ({ operators }: Profile, name: string) => operators.find((o) => o.name === name)?.calls;
  expect(callsOf(prefill, 'selective_scan')).toBe(6);
  expect(callsOf(prefill, 'select_tokens')).toBeGreaterThan(0);
  expect(callsOf(decode, 'selective_scan')).toBe(6 * 3);
  expect(callsOf(decode, 'select_tokens')).toBeUndefined();
});

test('sequences that decode together share the calls and multiply their work', () => {
  const [, one, four]: Profile[] = json([...work, '--batch', '1,4', '--profile']).profile.profiles;
  const product = ({ operators }: Profile) => operators.find(({ name }) => name === 'linear 16x64')!;
  expect(four.work).toBe('decode of 3 tokens, batch of 4');
  expect(product(four).calls).toBe(product(one).calls);
  expect(product(four).flops).toBe(4 * product(one).flops);
});

test('on a terminal both are tables', () => {
  const { status, stdout } = run([...work, '--profile', '--reduce', 'recent', '--keep', '0.5']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ +tokens +ms +tokens\/s\nprefill +40 .*\ndecode, batch of 1 +3 /m);
  expect(stdout).toMatch(/^recent left \d+, .* of 40 prompt tokens/m);
  expect(stdout).toMatch(/^loading took \d+ ms; the first token of a prompt was there \d+ ms after/m);
  const tables = stdout.match(/^operator +calls +ms +share +GFLOP\/s +GB\/s +of floor\n(.+\n)+total .*$/gm);
  expect(tables).toHaveLength(2);
  for (const table of tables!) {
    expect(table).toMatch(/^linear 16x64 +\d+ +\d/m);
    expect(table).toMatch(/^rest +\d/m);
    const shares = [...table.matchAll(/^(?!total).*? {2,}(\d+\.\d) %/gm)].map(([, share]) => Number(share));
    expect(Math.abs(shares.reduce((a, b) => a + b) - 100)).toBeLessThan(0.05 * shares.length + 0.01);
  }
});
