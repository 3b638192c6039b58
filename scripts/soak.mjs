// Load on the main thread and on worker threads for a while: every result must be, to the bit, what a quiet moment gives; memory must
// not grow, nothing may die.
//
// `npm run soak` sets MALLOC_ARENA_MAX=2. glibc gives threads up to eight arenas for each core and keeps what was freed in them: with
// threads that come and go all the time, those fill for many minutes, and nothing could be told from the slope.
//
//   npm run soak -- [--minutes N | --seconds N] [--workers N] [--loops N] [--seed N] [--json FILE]

import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { positiveNumber, wholeNumber } from './bench/arguments.mjs';
import { newCounts, putLoad } from './soak/load.mjs';
import { collectGarbage, MemorySamples } from './soak/memory.mjs';
import { soakModels } from './soak/models.mjs';
import { serialAnswers } from './soak/operations.mjs';
import { randomNumbers } from './soak/random.mjs';
import { failuresOf, printReport } from './soak/report.mjs';
import { SoakThreads } from './soak/threads.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    workers: { type: 'string', default: '3' },
    loops: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});
const seconds = values.minutes
  ? 60 * positiveNumber('minutes', values.minutes)
  : positiveNumber('seconds', values.seconds);
const workers = wholeNumber('workers', values.workers, 0);
const loops = wholeNumber('loops', values.loops, 1);
const chance = randomNumbers(wholeNumber('seed', values.seed, 0));

const models = await soakModels();
const answers = await serialAnswers(models);
console.log(
  `${answers.size} serial answers; ${workers} worker threads and the main thread, ${loops} loops each`,
);

const counts = newCounts();
const add = (more) => {
  for (const [name, value] of Object.entries(more)) {
    if (name === 'different') counts.different.push(...value);
    else counts[name] += value;
  }
};
const delay = monitorEventLoopDelay({ resolution: 1 });
const memory = new MemorySamples();
const end = performance.now() + 1000 * seconds;
const stopped = () => performance.now() > end;
const threads = new SoakThreads({ count: workers, every: 3000, chance, loops, answers, add });
delay.enable();
const open = await putLoad({ models, answers, seed: chance(2 ** 31), loops, stopped, counts });
delay.disable();
const slope = memory.end();
await threads.end();

await collectGarbage();
const sessions = open.reduce((sum, model) => sum + (model.memory().sessions ?? 0), 0);
const before = process.memoryUsage.rss();
await Promise.all(open.map((model) => model.dispose()));
await collectGarbage();

const report = {
  seconds,
  workers,
  loops,
  ...counts,
  terminated: threads.terminated,
  died: threads.died,
  eventLoopDelay: {
    p50: delay.percentile(50) / 1e6,
    p99: delay.percentile(99) / 1e6,
    max: delay.max / 1e6,
  },
  rss: { ...slope, beforeDisposal: before, afterDisposal: process.memoryUsage.rss() },
  sessionBytes: sessions,
};
printReport(report);
if (values.json)
  writeFileSync(values.json, `${JSON.stringify({ ...report, samples: memory.samples }, null, 2)}\n`);
const failures = failuresOf(report);
for (const failure of failures) console.error(failure);
process.exitCode = failures.length > 0 ? 1 : 0;
