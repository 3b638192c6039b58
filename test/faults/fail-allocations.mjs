// Every allocation of the addon fails in turn, by itself and with all that follow, while a model loads, reads, decodes and so on.
// Runs with failing-memory.c loaded before node; the environment variable SKIPSCAN_FAULTS names the file that they share.
//
//   node test/faults/fail-allocations.mjs FOLDER     the folder has models of these names: mamba, mamba2, vim, plainmamba
//
// Each failure must come as ERR_OUT_OF_MEMORY, and the same call then give what it gives otherwise. Prints { scenario: failures }
// as JSON.
import assert from 'node:assert/strict';
import { openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
const require = createRequire(import.meta.url);
const { loadLanguageModel, loadVisionModel, ops, prune, Tensor, utrc } = require(path.join(root, 'dist'));
const { native } = require(path.join(root, 'dist', 'native.js'));
const shared = openSync(process.env.SKIPSCAN_FAULTS, 'r+');
const model = (name) => path.join(process.argv[2], name);

let failures = 0; // since fail() was called last
const messages = new Set(); // of all errors

/** From now on allocations fail: the one after `left` others, and with `goesOn` all that follow. */
function fail(left, goesOn) {
  failures = 0;
  writeSync(shared, new Uint8Array(BigInt64Array.of(1n, BigInt(left), BigInt(goesOn), 0n).buffer), 0, 32, 0);
}

/** Ends that. */
function endFailing() {
  const faults = new BigInt64Array(4);
  readSync(shared, new Uint8Array(faults.buffer), 0, 32, 0);
  writeSync(shared, new Uint8Array(32), 0, 32, 0);
  failures += Number(faults[3]);
}

/** The error of a call or its result, while allocations fail. */
async function attempt(run, left, goesOn) {
  fail(left, goesOn);
  try {
    return { result: await run() };
  } catch (error) {
    return { error };
  } finally {
    endFailing();
  }
}

/** How many allocations `run` makes, all of which have failed in both ways. */
async function failInTurn(name, run) {
  const expected = await run();
  let total = 0;
  for (const goesOn of [0, 1]) {
    for (let left = 0; ; left += 1) {
      const { error, result } = await attempt(run, left, goesOn);
      const where = `${name}, allocation ${left + 1}${goesOn ? ' and all that follow' : ''}`;
      if (error) {
        assert.ok(failures > 0, `${where}: ${error.stack}`);
        assert.equal(error.code, 'ERR_OUT_OF_MEMORY', `${where}: ${error.stack}`);
        messages.add(error.message);
        assert.equal(error.name, 'SkipscanError', where);
      } else {
        assert.deepEqual(result, expected, where);
      }
      assert.deepEqual(await run(), expected, `after ${where}`);
      if (failures === 0) break;
      total += 1;
    }
  }
  return total;
}

/** A session that has read `tokens`, for as long as `use` runs. */
async function withSession(language, tokens, use) {
  const session = language.createSession();
  try {
    await session.prefill(tokens);
    return await use(session);
  } finally {
    await session.dispose();
  }
}

const tokens = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3];

async function failLanguage(name, results) {
  const options = { threads: 2 };
  const scenario = async (title, run) => {
    results[`${name}: ${title}`] = await failInTurn(`${name}: ${title}`, run);
  };
  await scenario('load', async () => {
    const loaded = await loadLanguageModel(model(name), options);
    const { fingerprint } = loaded;
    await loaded.dispose();
    return fingerprint;
  });
  const language = await loadLanguageModel(model(name), options);
  await scenario('forward', async () => (await language.forward([tokens, tokens.slice(5)])).logits);
  for (const policy of [prune({ layers: [0], keep: 0.5 }), utrc({ layers: [0], keep: 0.5 })]) {
    await scenario(`forward with ${policy.name}`, async () => {
      const { logits, kept } = await language.forward(tokens, { reduction: policy });
      return { logits, kept };
    });
  }
  await scenario('prefill, clone, save, restore', () =>
    withSession(language, tokens, async (session) => {
      const clone = session.clone();
      const restored = await language.restoreSession(await session.save());
      try {
        return [session.state(0), clone.state(0), restored.state(0)];
      } finally {
        await Promise.all([clone.dispose(), restored.dispose()]);
      }
    }),
  );
  await scenario('generate', async () => {
    const generated = [];
    for await (const { id } of language.generate(tokens, { maxNewTokens: 3 })) generated.push(id);
    return generated;
  });
  await failPrefill(language, scenario);
  await failSteps(language, scenario);
  await language.dispose();
}

/** A session that cannot read on is as it was. */
async function failPrefill(language, scenario) {
  const session = language.createSession();
  await session.prefill(tokens);
  const saved = await session.save();
  const readOn = async () => {
    const clone = session.clone();
    try {
      const before = clone.length;
      try {
        return await clone.prefill(tokens);
      } catch (error) {
        endFailing();
        assert.equal(clone.length, before);
        assert.deepEqual(await clone.save(), saved, 'a session whose prefill failed');
        throw error;
      }
    } finally {
      await clone.dispose();
    }
  };
  await scenario('prefill of a session that has read', readOn);
  await session.dispose();
}

/** A step is not undone: a session that one failed on says so from then on. */
async function failSteps(language, scenario) {
  const step = async () => {
    const sessions = [language.createSession(), language.createSession()];
    try {
      const together = await language.stepAll(sessions, [3, 4]);
      return [...together, await sessions[0].step(5)];
    } finally {
      await Promise.all(sessions.map((session) => session.dispose()));
    }
  };
  await scenario('step and stepAll', step);
  const session = language.createSession();
  const { error } = await attempt(() => Promise.all([session.step(5), session.step(6)]), 0, 0);
  assert.equal(error.code, 'ERR_OUT_OF_MEMORY');
  await assert.rejects(session.step(5), { code: 'ERR_DISPOSED', message: /failed in the middle/ });
  assert.throws(() => session.clone(), { code: 'ERR_DISPOSED' });
  await session.dispose();
}

async function failVision(name, results) {
  const scenario = async (title, run) => {
    results[`${name}: ${title}`] = await failInTurn(`${name}: ${title}`, run);
  };
  await scenario('load', async () => {
    const loaded = await loadVisionModel(model(name), { threads: 2 });
    await loaded.dispose();
  });
  const vision = await loadVisionModel(model(name), { threads: 2 });
  const pixels = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => Math.sin(i));
  const forward = async (reduction) => {
    const { logits, kept } = await vision.forward(pixels, [1, 3, 32, 32], { reduction });
    return { logits, kept };
  };
  await scenario('forward', () => forward());
  await scenario('forward with prune', () => forward(prune({ layers: [0], keep: 0.5 })));
  await scenario('scan orders', async () => vision.scanOrders(32, 40));
  const image = readFileSync(path.join(root, 'models', 'tiny-vim', 'samples', 'heart.jpg'));
  await scenario('classify', () => vision.classify(image));
  await vision.dispose();
}

async function failOperators(results) {
  const values = (...shape) =>
    Tensor.from(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.cos(i) - 1.1),
      shape,
    );
  const [T, E, N] = [14, 10, 4];
  const scan = { u: values(T, E), delta: values(T, E), A: values(E, N), B: values(T, N), C: values(T, N) };
  results['ops: selectiveScan'] = await failInTurn('ops: selectiveScan', async () => {
    const { y } = await ops.selectiveScan(scan);
    return y.data();
  });
  results['ops: linear'] = await failInTurn('ops: linear', async () =>
    (await ops.linear({ x: values(T, E), weight: values(7, E) })).y.data(),
  );
}

/** An array that cannot be given back beside the event loop is given back at once, and nobody waits for it afterwards. */
async function failDisposing() {
  for (let left = 0; ; left += 1) {
    const array = new native.DeviceArray('cpu', 'f32', 16);
    const { error } = await attempt(() => array.dispose(), left, 0);
    assert.equal(error, undefined);
    assert.throws(() => new native.DeviceArray('cpu', 'f32', 2 ** 47), { code: 'ERR_OUT_OF_MEMORY' });
    if (failures === 0) return;
  }
}

const results = {};
await failLanguage('mamba', results);
await failLanguage('mamba2', results);
await failVision('vim', results);
await failVision('plainmamba', results);
await failOperators(results);
await failDisposing();
assert.ok(
  [...messages].some((message) => message.startsWith('The system started only 1 of 2 threads. Ask for')),
);
console.log(JSON.stringify(results));
