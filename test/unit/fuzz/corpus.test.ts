import path from 'node:path';
import { readCorpus } from '../../fuzz/engine/corpus';
import { Fuzzer } from '../../fuzz/engine/fuzzer';
import { loadTarget, targetNames } from '../../fuzz/targets';

const corpus = path.resolve(__dirname, '../../fuzz/corpus');

/** Enough to meet most refusals; `npm run fuzz` does more. */
const executions = 1000;

// The tokenizers' library tells of parts that it passes over.
beforeEach(() => jest.spyOn(console, 'warn').mockImplementation());
afterEach(() => jest.restoreAllMocks());

describe.each(targetNames)('%s', (name) => {
  const target = loadTarget(name);
  const kept = readCorpus(path.join(corpus, name));

  test('every seed and every input of the corpus is read, or refused as it should be', async () => {
    expect(kept.length).toBeGreaterThan(0);
    for (const input of [...(await target.seeds()), ...kept.map(({ input }) => input)])
      await target.run(input);
  });

  test('no change of them does harm', async () => {
    const fuzzer = new Fuzzer(target, 7);
    for (const input of [...(await target.seeds()), ...kept.map(({ input }) => input)])
      fuzzer.corpus.add(input);
    await fuzzer.fuzz(executions);
    expect(fuzzer.executions).toBe(executions);
  });
});
