/**
 * Runs a competitor as a child process: answers the calls of `Competitor` (competitor.mjs), one after the other. Between
 * calls the process waits for messages and should cost nothing; every answer says what it did cost.
 *
 * @param methods asynchronous functions by name, one argument each
 */
export function serve(methods) {
  let lastAnswer = process.cpuUsage();
  process.on('message', async ({ method, argument }) => {
    const idleCpuSeconds = seconds(process.cpuUsage(lastAnswer));
    const start = process.cpuUsage();
    const answer = await methods[method](argument).then(
      (result) => ({ result }),
      (error) => ({ error: error.message }),
    );
    answer.cpuSeconds = seconds(process.cpuUsage(start));
    answer.idleCpuSeconds = idleCpuSeconds;
    lastAnswer = process.cpuUsage();
    process.send(answer);
  });
  process.on('disconnect', () => process.exit(0));
}

function seconds({ user, system }) {
  return (user + system) / 1e6;
}

/** The seconds that `work` takes on the clock. */
export async function timed(work) {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
