import type { OperatorProfile } from '../models/profile';
import { floorSeconds, type Limits } from './operator-floor';
import type { WorkProfile } from './profile-work';
import { percent } from './reduction-report';
import { tableLines } from './table';

/** What `--profile` measures: the work, and what the machine does at most, where that is known. */
export type ProfileReport = { limits?: Limits; profiles: WorkProfile[] };

const header = ['operator', 'calls', 'ms', 'share', 'GFLOP/s', 'GB/s'];

/** The profiles as text for a terminal. */
export function profileText({ limits, profiles }: ProfileReport): string {
  const tables = profiles.map((profile) => `${profile.work}\n\n${profileTable(profile, limits)}\n`);
  return `${tables.join('\n')}\n${limits ? `${limitsText(limits)}\n` : ''}`;
}

/** One line for each operator, the most time first, and one for the time outside of them. */
function profileTable({ operators, seconds }: WorkProfile, limits?: Limits): string {
  const inside = operators.reduce((sum, operator) => sum + operator.seconds, 0);
  const floor = limits && operators.reduce((sum, operator) => sum + floorSeconds(operator, limits), 0);
  const line = (name: string, calls: string, time: number, rates: string[], ofFloor?: number) => [
    name,
    calls,
    milliseconds(time),
    percent(time / seconds),
    ...rates,
    ...(limits ? [ofFloor === undefined ? '' : percent(ofFloor / time)] : []),
  ];
  return tableLines([
    limits ? [...header, 'of floor'] : header,
    ...operators.map((operator) =>
      line(
        operator.name,
        String(operator.calls),
        operator.seconds,
        ratesOf(operator),
        limits && floorSeconds(operator, limits),
      ),
    ),
    line('rest', '', seconds - inside, ['', '']),
    line('total', '', seconds, ['', ''], floor),
  ]).join('\n');
}

function ratesOf({ flops, bytes, seconds }: OperatorProfile): string[] {
  return [flops / seconds / 1e9, bytes / seconds / 1e9].map((rate) => rate.toFixed(1));
}

const milliseconds = (seconds: number) => (1000 * seconds).toFixed(2);

function limitsText({ flops, bytes, exponentials }: Limits): string {
  const g = (rate: number) => (rate / 1e9).toFixed(1);
  return `Limits measured here: ${g(flops)} GFLOP/s in float32, ${g(bytes)} GB/s read from memory, ${g(exponentials)} G exponentials/s.
of floor: what an operator's slowest kind of work takes at these limits, as a share of its time. Above 100 % where tensors
come out of a cache, or instructions for bf16 or 8-bit numbers are faster than float32. rest: time outside of operators.`;
}
