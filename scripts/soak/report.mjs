const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
const kib = (bytes) => (bytes / 2 ** 10).toFixed(0);
const ms = (milliseconds) => milliseconds.toFixed(1);

/** Seconds that memory takes to settle: pools of threads, heaps of new threads and the allocator's arenas come first. */
const settles = 300;
/** What resident memory may grow by over the second half, as a share: threads come and go, and each has a heap. */
const mostGrowth = 0.02;

export function printReport(r) {
  const { eventLoopDelay: delay, rss } = r;
  console.log(
    [
      `${r.operations} operations equal to their serial answers: ${r.different.length === 0 ? 'all' : `NOT ${r.different.length}`}`,
      `${r.aborted} aborted, ${r.refused} refused by a full queue, ${r.disposed} ended by the disposal of their model`,
      `${r.reloads} models disposed of and loaded again, ${r.terminated} worker threads terminated, ${r.died.length} died`,
      `event loop delay of the main thread: p50 ${ms(delay.p50)} ms, p99 ${ms(delay.p99)} ms, longest ${ms(delay.max)} ms`,
      `resident memory, second half: ${mib(rss.mean)} MiB, ${kib(rss.perMinute)} ± ${kib(rss.error)} KiB a minute, ` +
        `in all ${(100 * rss.growth).toFixed(2)} %`,
      `resident memory before disposal ${mib(rss.beforeDisposal)} MiB, after ${mib(rss.afterDisposal)} MiB; ` +
        `sessions left before: ${r.sessionBytes} bytes`,
    ].join('\n'),
  );
}

/** Why a soak has failed; timings never do. */
export function failuresOf(r) {
  const failures = r.different.map((what) => `differs from its serial answer: ${what}`);
  failures.push(...r.died.map((how) => `a worker thread died by itself: ${how}`));
  if (r.sessionBytes !== 0)
    failures.push(`${r.sessionBytes} bytes of sessions that nobody has any more were not given back`);
  const { growth, perMinute, error } = r.rss;
  if (r.seconds >= settles && growth > mostGrowth && perMinute > 3 * error) {
    failures.push(
      `resident memory grew by ${(100 * growth).toFixed(2)} % over the second half; at most 2 % were expected`,
    );
  }
  return failures;
}
