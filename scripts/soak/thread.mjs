import { parentPort, workerData } from 'node:worker_threads';
import { newCounts, putLoad } from './load.mjs';
import { soakModels } from './models.mjs';

// A worker thread of the soak. It tells what it has done twice a second, and ends when it is asked to, unless it is terminated.

const { seed, loops, answers } = workerData;
const counts = newCounts();
let stopped = false;
parentPort.once('message', () => {
  stopped = true;
});
const tell = () => {
  parentPort.postMessage(counts);
  Object.assign(counts, newCounts());
};
const timer = setInterval(tell, 500);
const open = await putLoad({
  models: await soakModels(),
  answers,
  seed,
  loops,
  stopped: () => stopped,
  counts,
});
await Promise.all(open.map((model) => model.dispose()));
clearInterval(timer);
tell();
