import { publishedFor } from '../../../../lib/evaluation/published';
import { reportMarkdown } from '../../../../lib/evaluation/report/markdown';
import { publishedTables } from '../../../../lib/evaluation/report/published-tables';
import type { Report } from '../../../../lib/evaluation/report/report';
import type { Axis, Sweep } from '../../../../lib/evaluation/report/sweep';
import { publishedConfig } from '../../../../lib/models/vision-names';
import { mamba1b4, mamba2b8, mambaTwo1b3, mambaTwo2b7 } from '../../reduction/fixtures';
import { acc, config, madeUpReport, madeUpTask, perplexity } from './fixtures';

const alignment: Axis = { name: 'alignment', path: 'alignment', of: ['prune'], values: ['next', 'none'] };
const conv: Axis = { name: 'conv', path: 'conv', of: ['prune', 'utrc'], values: ['aligned'] };
const sweep: Sweep = {
  policies: ['utrc', 'prune'],
  cuts: [0.1, 0.2],
  axes: [alignment, conv],
  oneAtATime: false,
};
/** The policy decides: perplexity 2 to the power of 1 (dense), 2 (utrc), 3 (prune) or 4 (not aligned); accuracy one half of its inverse. */
const lambada = madeUpTask(
  [perplexity, { ...acc, name: 'acc' }],
  (_sample, reduction) => {
    const aligned = reduction && 'alignment' in reduction && reduction.alignment === 'next';
    return -Math.LN2 * (!reduction ? 1 : reduction.name === 'utrc' ? 2 : aligned ? 3 : 4);
  },
  'lambada_openai',
);

async function report(): Promise<Report> {
  return {
    skipscan: '1.2.3',
    command: 'skipscan report --text book.txt --out DIR',
    model: {
      source: 'some/model',
      fingerprint: 'abcdef',
      family: 'mamba2',
      layers: 48,
      dModel: 2048,
      parameters: 1.3e9,
      dtype: 'bf16',
      backend: 'avx2',
    },
    protocol: 'prefill',
    sweep,
    tasks: [await madeUpReport(lambada, sweep)],
  };
}

test('a document says what was measured and has the tables', async () => {
  const text = reportMarkdown(await report(), { lambada_openai: ['lambada_openai.svg'] });
  for (const part of [
    'some/model',
    'abcdef, 1300.00 M parameters, bf16',
    'mamba2, 48 layers, d_model 2048',
    'skipscan 1.2.3, avx2 kernels',
    '`prefill`: ',
    '```sh\nskipscan report --text book.txt --out DIR\n```',
    'For all policies that have the option: conv aligned.',
    'Swept: alignment next, none.',
    '## lambada_openai\n\n4 samples; dense: perplexity 2.00 ± 0.00, acc -69.31 ± 0.00 per cent.',
    '![lambada_openai](lambada_openai.svg)',
    '**perplexity by alignment at a cut of 20 %',
    '| prune | +6.00 ± 0.00 | +14.00 ± 0.00 | +8.00 ± 0.00 |',
  ]) {
    expect(text).toContain(part);
  }
  expect(text).not.toContain('As published');
});

describe('as published', () => {
  test('a model of a known shape gets its rows, with ours beside them', async () => {
    const { tasks } = await report();
    const [table] = publishedTables(publishedFor(mambaTwo1b3)!, tasks);
    expect(table.title).toBe('Mamba-2-1.3B in arXiv 2410.14725');
    expect(table.columns).toEqual(['LAMBADA perplexity', 'ours', 'average accuracy', 'ours']);
    expect(table.rows).toEqual([
      { name: 'dense', cells: ['5.02', '2.00', '59.5 %', ''] }, // one task of the six is no average
      { name: 'PuMer, 10 %', cells: ['532.52', '', '45.1 %', ''] },
      { name: 'EViT, 10 %', cells: ['27.1', '16.00', '51.9 %', ''] }, // prune, not aligned
      { name: 'UTRC, 10 %', cells: ['11.16', '4.00', '57.6 %', ''] },
      { name: 'PuMer, 20 %', cells: ['49017', '', '37.1 %', ''] },
      { name: 'EViT, 20 %', cells: ['1655.76', '16.00', '44.2 %', ''] },
      { name: 'UTRC, 20 %', cells: ['25.94', '4.00', '54.6 %', ''] },
    ]);
    const text = reportMarkdown(await report(), {}, publishedFor(mambaTwo1b3));
    expect(text).toContain(
      '## As published\n\narXiv 2410.14725, Mamba-2-1.3B, a model of this shape. Measured there:',
    );
    expect(text).toContain('Ours are measured under `prefill`.');
  });

  test('an average where all six tasks were measured', async () => {
    const names = {
      lambada_openai: 'acc',
      hellaswag: 'acc_norm',
      piqa: 'acc',
      arc_easy: 'acc',
      winogrande: 'acc',
    };
    const tasks = [];
    for (const [i, [name, metric]] of Object.entries({ ...names, arc_challenge: 'acc_norm' }).entries()) {
      const task = madeUpTask([{ ...acc, name: metric }], () => i / 10, name);
      tasks.push(await madeUpReport(task, sweep));
    }
    const [{ rows }] = publishedTables(publishedFor(mamba2b8)!, tasks);
    expect(rows.find(({ name }) => name === 'UTRC, 20 %')?.cells).toEqual(['23.97', '', '57.6 %', '25 %']);
    expect(rows.find(({ name }) => name === 'UTRC, 30 %')?.cells).toEqual(['81.16', '', '49.6 %', '']);
  });

  test('shapes decide', () => {
    const models = [mamba1b4, mamba2b8, mambaTwo1b3, mambaTwo2b7].map((shape) => publishedFor(shape)?.model);
    expect(models).toEqual(['Mamba-1.4B', 'Mamba-2.8B', 'Mamba-2-1.3B', 'Mamba-2-2.7B']);
    const names = ['vim-small', 'plainmamba-l1', 'plainmamba-l2', 'plainmamba-l3'] as const;
    expect(names.map((name) => publishedFor(publishedConfig(name))?.model)).toEqual([
      'ViM-S',
      'PlainMamba-L1',
      'PlainMamba-L2',
      'PlainMamba-L3',
    ]);
    expect(publishedFor(config)).toBeUndefined();
    expect(publishedFor({ ...publishedConfig('vim-small'), numClasses: 10 })).toBeUndefined();
    expect(publishedFor(publishedConfig('vim-tiny'))).toBeUndefined();
  });

  test('ablations, and vision models beside dense', async () => {
    const tables = publishedTables(publishedFor(mambaTwo2b7)!);
    expect(tables.map(({ rows }) => rows.length)).toEqual([1 + 3 * 4, 4, 7, 6]);
    expect(tables[3].rows[1]).toEqual({ name: '12', cells: ['', '58.7 %'] });
    const images = await madeUpReport(
      madeUpTask([{ ...acc, name: 'top1' }], () => 0.8, 'images'),
      sweep,
    );
    const [vision] = publishedTables(publishedFor(publishedConfig('plainmamba-l3'))!, [images]);
    expect(vision.rows).toEqual([
      { name: 'dense', cells: ['82.3 %', '80 %'] },
      { name: 'pruned, aligned', cells: ['81.7 %', ''] },
      { name: 'pruned, not aligned', cells: ['79.3 %', ''] },
    ]);
    expect(publishedTables(publishedFor(publishedConfig('plainmamba-l1'))!)).toEqual([]);
  });
});
