import { linePlots, type Series } from '../plot/line-plots';
import { type MachineFacts, machineLine } from './machine';
import { megabytes } from './progress';
import type { ReducedMeasurement, ReductionBenchmark } from './reduction-bench';
import { percent } from './reduction-report';
import { tableLines } from './table';
import type { Measurement, Times } from './turns';

/** A benchmark and what it was run on. */
export type BenchmarkReport = ReductionBenchmark &
  MachineFacts & {
    model: string;
    family: string;
    layers: number;
    dModel: number;
    dtype: string;
    length: number;
    rounds: number;
  };

const header = [
  'policy',
  'saved',
  'tokens left',
  'ms',
  'speedup',
  'ratio',
  'rest ms',
  'own FLOPs',
  'workspace',
  'logits',
  'KL',
];

const columns = `saved: share of the blocks' FLOPs; ratio: speedup * (1 - saved), 1 is all that the FLOPs saved allow; rest: time above
dense * (1 - saved), for the reduction itself and what does not shrink with the tokens; own FLOPs: of the reduction, as a
share of the dense blocks'; workspace: most memory besides weights in one run, where what an earlier run has left may be
used again; logits: largest difference to dense after the last token; KL: divergence from dense there, in nats.`;

/** The benchmark as text for a terminal. */
export function benchmarkTable(report: BenchmarkReport): string {
  const { dense, reduced } = report;
  const rows = [header, denseRow(dense, report.length), ...reduced.map(reducedRow)];
  const layers = [...new Set(reduced.map(({ reduction }) => reduction.policy.layers.join(', ')))].join(
    ' or ',
  );
  return `${report.model}: ${report.family}, ${report.layers} layers, d_model ${report.dModel}, ${report.dtype} weights
${machineLine(report)}
prefill of ${report.length} random tokens, reduced after layers ${layers}; median (min..max) of ${report.rounds}

${tableLines(rows).join('\n')}

${columns}
`;
}

function denseRow({ milliseconds, workspace }: Measurement, length: number): string[] {
  return ['dense', '', String(length), times(milliseconds), '', '', '', '', megabytes(workspace), '', ''];
}

function reducedRow(m: ReducedMeasurement): string[] {
  const { kept, saved, flops } = m.reduction;
  return [
    m.name,
    percent(saved),
    String(kept.at(-1)?.tokens),
    times(m.milliseconds),
    `${m.speedup.toFixed(2)}x`,
    m.ratio.toFixed(3),
    m.restMilliseconds.toFixed(1),
    percent(flops.reduction / flops.denseBlocks, 2),
    megabytes(m.workspace),
    short(m.logits.largest),
    short(m.logits.klDivergence),
  ];
}

function short(value: number): string {
  return value === 0 ? '0' : value < 1e-3 ? value.toExponential(1) : value.toPrecision(2);
}

/** `12.3 (12.1..12.9)` */
export function times({ median, min, max }: Times): string {
  return `${median.toFixed(1)} (${min.toFixed(1)}..${max.toFixed(1)})`;
}

/** Time and divergence against the FLOPs saved, as an SVG document. */
export function benchmarkPlot({ dense, reduced, length }: BenchmarkReport): string {
  const names = [...new Set(reduced.map(({ name }) => name))];
  const lines = (value: (m: ReducedMeasurement) => number): Series[] =>
    names.map((name) => ({
      name,
      points: reduced
        .filter((m) => m.name === name)
        .map((m): [number, number] => [100 * m.reduction.saved, value(m)]),
    }));
  const most = Math.max(...reduced.map((m) => m.reduction.saved));
  const ideal: Series = {
    name: 'dense * (1 - saved)',
    dashed: true,
    points: [
      [0, dense.milliseconds.median],
      [100 * most, dense.milliseconds.median * (1 - most)],
    ],
  };
  const xLabel = "blocks' FLOPs saved (%)";
  return linePlots([
    {
      title: `Prefill of ${length} tokens`,
      xLabel,
      yLabel: 'time (ms)',
      series: [...lines((m) => m.milliseconds.median), ideal],
    },
    {
      title: 'Difference to dense after the last token',
      xLabel,
      yLabel: 'KL divergence (nats)',
      yScale: 'log',
      series: lines((m) => m.logits.klDivergence),
    },
  ]);
}
