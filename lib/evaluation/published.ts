import { isVision, type ModelConfig } from '../models/model-config';

/** What a paper reports of one model. */
export type Published = PublishedLanguage | PublishedVision;

/** LAMBADA perplexity, and the mean accuracy in per cent over LAMBADA, HellaSwag, PIQA, ARC-easy, ARC-challenge and WinoGrande. */
export type PublishedLanguage = {
  kind: 'language';
  model: string;
  source: string;
  /** How it was measured. */
  protocol: string;
  rows: PublishedRow[];
  ablations: Ablation[];
};

/** Variants of UTRC. Where a paper reports their mean accuracy only there is no perplexity. */
export type Ablation = {
  title: string;
  rows: { name: string; perplexity?: number; average: number }[];
};

export type PublishedRow = {
  method: 'dense' | 'PuMer' | 'EViT' | 'UTRC' | 'LTMP';
  /** The share of FLOPs; none for dense. */
  cut?: number;
  perplexity: number;
  average: number;
};

/** Top-1 in per cent. */
export type PublishedVision = {
  kind: 'vision';
  model: string;
  source: string;
  protocol: string;
  rows: { method: string; top1: number }[];
  /** What is reported in words. */
  notes: string[];
};

const utrcPaper = {
  kind: 'language' as const,
  source: 'arXiv 2410.14725',
  protocol:
    'without fine-tuning; context and continuation are reduced in one pass, and fewer positions are scored than there are ' +
    "(our reading of it is the protocol 'paper')",
};

type Figures = readonly [perplexity: number, average: number];

function ablation(title: string, rows: Record<string, Figures>): Ablation {
  return {
    title,
    rows: Object.entries(rows).map(([name, [perplexity, average]]) => ({ name, perplexity, average })),
  };
}

function language(
  model: string,
  dense: Figures,
  at: Record<string, Partial<Record<PublishedRow['method'], Figures>>>,
  ablations: Ablation[] = [],
): PublishedLanguage {
  const row = (
    method: PublishedRow['method'],
    [perplexity, average]: Figures,
    cut?: number,
  ): PublishedRow => ({
    method,
    ...(cut !== undefined && { cut }),
    perplexity,
    average,
  });
  const reduced = Object.entries(at).flatMap(([cut, methods]) =>
    Object.entries(methods).map(([method, figures]) =>
      row(method as PublishedRow['method'], figures, Number(cut)),
    ),
  );
  return { ...utrcPaper, model, rows: [row('dense', dense), ...reduced], ablations };
}

const topPaper = {
  kind: 'vision' as const,
  source: 'arXiv 2409.18962',
  protocol: 'fine-tuned after pruning, which nothing here does; ImageNet-1K',
};

const belowOurs = 'EViT is 2.4 to 2.8 points below aligned pruning, over PlainMamba-L1 to L3.';

/** The models by their shape: family, layers, d_model. */
const published: Record<string, Published> = {
  'mamba2 48 2048': language('Mamba-2-1.3B', [5.02, 59.5], {
    0.1: { PuMer: [532.52, 45.1], EViT: [27.1, 51.9], UTRC: [11.16, 57.6] },
    0.2: { PuMer: [49017, 37.1], EViT: [1655.76, 44.2], UTRC: [25.94, 54.6] },
  }),
  'mamba2 64 2560': language(
    'Mamba-2-2.7B',
    [4.1, 63.8],
    {
      0.1: { PuMer: [712.73, 47.5], EViT: [11.43, 55.4], LTMP: [55, 57.2], UTRC: [8.55, 61.4] },
      0.2: { PuMer: [7820.51, 39.7], EViT: [196.42, 49.6], LTMP: [466.4, 48.5], UTRC: [17.96, 58.7] },
      0.3: { PuMer: [49301, 36.4], EViT: [3412.13, 41.6], LTMP: [4670.71, 41.3], UTRC: [42.61, 54.7] },
    },
    [
      ablation('Importance (20 %)', {
        clip: [17.96, 58.7],
        l1: [17.96, 58.6],
        l2: [19.86, 58.6],
        'sum (not clipped)': [18.17, 58.5],
      }),
      ablation('Branches, hidden and residual (30 %)', {
        'merge, merge': [42.61, 54],
        'prune, prune': [42.65, 53.9],
        'q 0.8, q 0.2': [42.65, 54.3],
        'q 0.2, q 0.8': [42.67, 54.1],
        'q 0.5, q 0.5': [42.35, 53.7],
        'q 0.5, prune': [42.67, 54.1],
        'q 0.5, merge': [40.61, 54.7],
      }),
      {
        title: 'First of the layers (20 %)',
        rows: Object.entries({ 10: 58.2, 12: 58.7, 14: 58.3, 16: 58.1, 18: 58.3, 20: 57.8 }).map(
          ([name, average]) => ({ name, average }),
        ),
      },
    ],
  ),
  'mamba 48 2048': language('Mamba-1.4B', [5.04, 59.7], {
    0.1: { PuMer: [534.91, 44.1], EViT: [43.69, 51.3], UTRC: [11.46, 57.8] },
    0.2: { PuMer: [11733, 34.8], EViT: [5687.8, 41.1], UTRC: [31.32, 53.4] },
  }),
  'mamba 64 2560': language(
    'Mamba-2.8B',
    [4.23, 63.3],
    {
      0.1: { PuMer: [487.09, 47.1], EViT: [174.92, 54.4], UTRC: [9.53, 61.3] },
      0.2: { PuMer: [10746, 37.2], EViT: [9784.73, 43.6], UTRC: [23.97, 57.6] },
      0.3: { PuMer: [140764, 34.4], EViT: [63231, 34.5], UTRC: [81.16, 49.6] },
    },
    [
      ablation('Importance (20 %)', {
        clip: [23.97, 57.6],
        l1: [23.93, 56.8],
        l2: [23.93, 57.5],
        'sum (not clipped)': [1365.69, 40.7],
      }),
    ],
  ),
  'vim 24 384': {
    ...topPaper,
    model: 'ViM-S',
    rows: [
      { method: 'dense', top1: 80.5 },
      { method: 'pruned, aligned', top1: 78.8 },
      { method: 'pruned, not aligned', top1: 75.4 },
      { method: 'EViT', top1: 74.8 },
    ],
    notes: [
      'Without fine-tuning, pruning as in transformers costs over 68 points; 5.7 remain lost after it.',
    ],
  },
  'plainmamba 24 192': { ...topPaper, model: 'PlainMamba-L1', rows: [], notes: [belowOurs] },
  'plainmamba 24 384': { ...topPaper, model: 'PlainMamba-L2', rows: [], notes: [belowOurs] },
  'plainmamba 36 448': {
    ...topPaper,
    protocol: `${topPaper.protocol}; 41.6 % fewer FLOPs`,
    model: 'PlainMamba-L3',
    rows: [
      { method: 'dense', top1: 82.3 },
      { method: 'pruned, aligned', top1: 81.7 },
      { method: 'pruned, not aligned', top1: 79.3 },
    ],
    notes: [belowOurs],
  },
};

/** What a paper reports of models of this shape, if one does. The weights may be others. */
export function publishedFor(config: ModelConfig): Published | undefined {
  if (isVision(config) && config.numClasses !== 1000) return undefined;
  return published[`${config.family} ${config.layers} ${config.dModel}`];
}

/** Which of our policies a published method is. */
export const policyOfMethod: Record<PublishedRow['method'], string> = {
  dense: 'dense',
  PuMer: 'merge',
  EViT: 'prune',
  UTRC: 'utrc',
  LTMP: 'ltmp',
};
