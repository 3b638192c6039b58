import type { PublishedFlops } from '../reduction';
import { type MachineFacts, machineLine } from './machine';
import { type ProfileReport, profileText } from './profile-tables';
import { megabytes } from './progress';
import { percent } from './reduction-report';
import { times } from './reduction-tables';
import { tableLines } from './table';
import type { ReducedVisionMeasurement, VisionBenchmark, VisionMeasurement } from './vision-bench';

/** The benchmarks of one model, one for each batch size. */
export type VisionModelReport = {
  model: string;
  parameters: number;
  dtype: string;
  /** Of one image, as publications count. */
  publishedFlops: PublishedFlops;
  batches: VisionBenchmark[];
};

export type VisionBenchmarkReport = MachineFacts & {
  rounds: number;
  models: VisionModelReport[];
  profile?: ProfileReport;
};

const header = [
  'policy',
  'saved',
  'tokens left',
  'ms',
  'images/s',
  'speedup',
  'ratio',
  'GFLOPs',
  'workspace',
];

const columns = `saved: share of the blocks' FLOPs; ms: of the whole batch; ratio: speedup * (1 - saved), 1 is all that the FLOPs saved
allow; GFLOPs: of one image, a multiply-add counted as two, the reduction's own work included; workspace: most memory besides
weights in one run, where what an earlier run has left may be used again.`;

/** The benchmark as text for a terminal. */
export function visionTable(report: VisionBenchmarkReport): string {
  const parts = report.models.flatMap((model) => model.batches.map((batch) => batchTable(model, batch)));
  return `${machineLine(report)}
random weights and images, from pixels to logits; median (min..max) of ${report.rounds}

${parts.join('\n')}
${columns}
${report.profile ? `\n${profileText(report.profile)}` : ''}`;
}

function batchTable({ model, parameters, dtype, publishedFlops }: VisionModelReport, o: VisionBenchmark) {
  const rows = [header, denseRow(o), ...o.reduced.map(reducedRow)];
  const layers = [...new Set(o.reduced.map(({ reduction }) => reduction.policy.layers.join(', ')))];
  const reduced = layers.length > 0 ? `, reduced after layers ${layers.join(' or ')}` : '';
  return `${model}: ${(parameters / 1e6).toFixed(1)} M parameters, ${dtype} weights, ${published(publishedFlops)}
batch of ${o.batch}${reduced}

${tableLines(rows).join('\n')}
`;
}

function published(flops: PublishedFlops): string {
  const g = (count: number) => `${(count / 1e9).toFixed(2)} G`;
  return flops.family === 'vim'
    ? `${g(flops.oneDirection)} FLOPs as published for one direction, ${g(flops.bothDirections)} for both`
    : `${g(flops.total)} FLOPs as published`;
}

function denseRow({ dense, tokens }: VisionBenchmark): string[] {
  return ['dense', '', String(tokens), ...measured(dense, ['', ''])];
}

function reducedRow(m: ReducedVisionMeasurement): string[] {
  const { kept, saved } = m.reduction;
  const gains = [`${m.speedup.toFixed(2)}x`, m.ratio.toFixed(3)];
  return [m.name, percent(saved), String(kept.at(-1)?.tokens), ...measured(m, gains)];
}

function measured(m: VisionMeasurement, gains: string[]): string[] {
  return [
    times(m.milliseconds),
    m.imagesPerSecond.toFixed(1),
    ...gains,
    m.gflopsPerImage.toFixed(2),
    megabytes(m.workspace),
  ];
}
