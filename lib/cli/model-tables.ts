import { type MachineFacts, machineLine } from './machine';
import type { DecodeSpeed, Rate, Speed } from './model-bench';
import { type ProfileReport, profileText } from './profile-tables';
import { describeReduction, type ReductionReport } from './reduction-report';
import { times } from './reduction-tables';
import { tableLines } from './table';

/** What `skipscan bench model` has measured. */
export type ModelBenchmarkReport = MachineFacts & {
  model: string;
  family: string;
  layers: number;
  dModel: number;
  dtype: string;
  activations: string;
  parameters: number;
  seed: number;
  rounds: number;
  reduction?: ReductionReport;
  loadMilliseconds: number;
  /** From the start of the loading to the logits after the prompt, which it reads for the first time. */
  firstTokenMilliseconds: number;
  prefill: Speed;
  decode: DecodeSpeed[];
  profile?: ProfileReport;
};

/** The benchmark as text for a terminal. */
export function modelTable(report: ModelBenchmarkReport): string {
  const { prefill, decode, reduction, profile } = report;
  const row = (name: string, { tokens, milliseconds, tokensPerSecond }: Speed) => [
    name,
    String(tokens),
    times(milliseconds),
    rates(tokensPerSecond),
  ];
  const rows = [
    ['', 'tokens', 'ms', 'tokens/s'],
    row('prefill', prefill),
    ...decode.map((speed) => row(`decode, batch of ${speed.batch}`, speed)),
  ];
  const parameters = (report.parameters / 1e6).toFixed(1);
  return `${report.model}: ${report.family}, ${report.layers} layers, d_model ${report.dModel}, ${parameters} M parameters, ${report.dtype} weights, ${report.activations} activations
${machineLine(report)}
random tokens; median (min..max) of ${report.rounds}
${reduction ? `${describeReduction(reduction)}\n` : ''}
${tableLines(rows).join('\n')}

loading took ${report.loadMilliseconds.toFixed(0)} ms; the first token of a prompt was there ${report.firstTokenMilliseconds.toFixed(0)} ms after the start of it
${profile ? `\n${profileText(profile)}` : ''}`;
}

/** `1220 (1201..1233)` */
function rates({ median, min, max }: Rate): string {
  const [m, low, high] = [median, min, max].map((rate) => rate.toFixed(rate < 100 ? 1 : 0));
  return `${m} (${low}..${high})`;
}
