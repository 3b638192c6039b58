import { readFileSync } from 'node:fs';
import { nativeReduction } from '../../../lib/models/reduce';
import { publishedConfig, type VisionModelName, visionModelNames } from '../../../lib/models/vision-names';
import {
  flops,
  ltmp,
  merge,
  type Policy,
  paperSchedule,
  prune,
  publishedFlops,
  random,
  recent,
  recommended,
  releasedTop,
  resolvePolicy,
  uniform,
  utrc,
} from '../../../lib/reduction';
import { reference } from '../../helpers/reference';
import { argumentError, deep } from './fixtures';

const tiny = publishedConfig('vim-tiny');
const plain = publishedConfig('plainmamba-l1');

describe('the class token', () => {
  test('is protected wherever the image puts it, and no last tokens are', () => {
    const policy = prune({ layers: [4], keep: 0.8, protect: [5, 3] });
    expect(nativeReduction(policy, tiny, [197, 197])).toMatchObject({
      protect: [3, 5, 98],
      protectLast: 0,
      keep: [0.8, 0.8],
    });
    expect(nativeReduction(policy, tiny, [65])).toMatchObject({ protect: [3, 5, 32], protectLast: 0 });
    // 6 patches: the token before the middle is the third
    expect(nativeReduction(policy, tiny, [7]).protect).toEqual([3, 5]);
    expect(resolvePolicy(policy, tiny, 7).protectedCount).toBe(2);
  });

  test('counts once where it is named too', () => {
    const policy = prune({ layers: [4], keep: 0.01, protect: [98] });
    expect(resolvePolicy(policy, tiny, 197)).toMatchObject({ protectedCount: 1, counts: [2] });
  });

  test('is not there in PlainMamba, where all may go but one', () => {
    const policy = prune({ layers: [4], keep: 0.001 });
    expect(nativeReduction(policy, plain, [196])).toMatchObject({ protect: [], protectLast: 0 });
    expect(resolvePolicy(policy, plain, 196)).toMatchObject({ protectedCount: 0, counts: [1] });
  });
});

describe('policies for vision models', () => {
  const at = { layers: [4, 9, 14] };

  test.each<[string, Policy]>([
    ['utrc', utrc({ ...at, keep: 0.8 })],
    ['prune', prune({ ...at, keep: 0.8, fuse: true, conv: 'aligned', importance: { metric: 'novel2' } })],
    ['merge', merge({ ...at, flopsReduction: 0.2, direction: 'forward' })],
    ['uniform', uniform({ ...at, keep: 0.8 })],
    ['random', random({ ...at, keep: 0.8, seed: 3 })],
    ['recent', recent({ ...at, keep: 0.8 })],
    ['ltmp', ltmp({ ...at, pruneBelow: 0, mergeAbove: 0.9 })],
  ])('%s is one', (_, policy) => {
    for (const config of [tiny, plain]) expect(resolvePolicy(policy, config, 197).policy).toEqual(policy);
  });

  test('a target in FLOPs is met to the token', () => {
    const reduction = recommended(tiny, { flopsReduction: 0.2 });
    const { blocks } = flops(tiny, { reduction });
    const saved = 1 - blocks / flops(tiny).blocks;
    expect(saved).toBeGreaterThanOrEqual(0.2);
    expect(saved).toBeLessThan(0.205);
  });

  test.each<[string, () => unknown, string]>([
    [
      'last tokens',
      () => resolvePolicy(prune({ ...at, keep: 0.8, protectLast: 32 }), tiny, 197),
      'The policy prune protects the last 32 tokens (protectLast), which are those of a prompt. The tokens of an image have no last ' +
        'ones: leave the option out, or name positions with protect.',
    ],
    [
      'the final state',
      () => resolvePolicy(utrc({ ...at, keep: 0.8, importance: { metric: 'state' } }), plain, 196),
      "The policy utrc goes by the metric 'state', which is for causal models only: an image's final state depends on the direction " +
        "of the scan. Use 'novel' or another metric.",
    ],
    [
      'a layer that is not there',
      () => resolvePolicy(prune({ layers: [24], keep: 0.8 }), tiny, 197),
      'The policy prune reduces after layer 24, but the model has 24 layers: expected 0 to 23. paperSchedule(config).layers fit the ' +
        'model.',
    ],
    [
      'a target that protection makes impossible',
      () => resolvePolicy(prune({ ...at, flopsReduction: 0.2, protect: [0, 2] }), tiny, 3),
      "The policy prune is to save 0.2 of the blocks' FLOPs at layers 4, 9, 14 of 24 on 3 tokens, but all of them are protected and " +
        'nothing can be removed. Protect fewer positions, or leave the reduction out.',
    ],
  ])('%s are refused', (_, work, expected) => {
    expect(argumentError(work)).toBe(expected);
  });
});

describe('releasedTop', () => {
  const policy = releasedTop({ layers: [4, 9, 14] });

  test.each([
    ['224 pixels, as the published code', policy, 197, [157, 125, 101]],
    ['64 pixels, as in the reference', policy, 65, [53, 43, 35]],
    ['728 patches', policy, 729, [583, 467, 373]],
    ['all', releasedTop({ layers: [4], keep: 1 }), 197, [197]],
    ['next to nothing', releasedTop({ layers: [4], keep: 0.001 }), 197, [1]],
    ['three tokens', policy, 3, [3, 3, 3]],
  ])('%s', (_, reduction, length, counts) => {
    expect(resolvePolicy(reduction, tiny, length)).toMatchObject({ counts, protectedCount: 1 });
  });

  test('is handed over as the published code works', () => {
    expect(nativeReduction(policy, tiny, [197])).toMatchObject({
      name: 'released-top',
      layers: [4, 9, 14],
      keep: [0.8],
      metric: 'sum',
      source: 'gated',
      alignment: 'none',
      conv: 'compact',
      protect: [98],
      protectLast: 0,
    });
  });

  test('costs a sum of the scores', () => {
    const { reduction } = flops(tiny, { reduction: policy });
    expect(reduction).toBe((197 + 157 + 125) * tiny.dInner);
  });

  test.each<[string, () => unknown, string]>([
    [
      'a language model',
      () => resolvePolicy(policy, deep(24), 197),
      'The policy released-top is for ViM models; this is a language model. Use utrc() or prune().',
    ],
    [
      'PlainMamba',
      () => resolvePolicy(policy, plain, 196),
      'The policy released-top is for ViM models; this is a PlainMamba. Use prune().',
    ],
    [
      'an odd number of patches',
      () => resolvePolicy(policy, publishedConfig('vim-tiny-stride8'), 730),
      'The policy released-top needs an even number of patches, so that the class token has as many before it as after it; this ' +
        'image has 729. Use prune(), or images of another size.',
    ],
  ])('is not for %s', (_, work, expected) => {
    expect(argumentError(work)).toBe(expected);
  });
});

describe('where to reduce', () => {
  test.each<[VisionModelName, number[]]>([
    ['vim-tiny', [4, 9, 14]],
    ['plainmamba-l1', [4, 9, 14]],
    ['plainmamba-l3', [6, 13, 21]],
  ])('%s', (name, layers) => {
    expect(paperSchedule(publishedConfig(name))).toEqual({ layers });
  });

  test('the recommended policy goes by what is new', () => {
    expect(recommended(tiny, { flopsReduction: 0.2 })).toEqual({
      name: 'prune',
      layers: [4, 9, 14],
      flopsReduction: 0.2,
      importance: { metric: 'novel', source: 'gated' },
      alignment: 'none',
      conv: 'compact',
      direction: 'any',
      protect: [],
      protectLast: 1,
      fuse: false,
    });
  });
});

describe('FLOPs', () => {
  test('of ViM: two directions in every block, patches and head besides', () => {
    const [D, E, N, R, k, L, M] = [192, 384, 16, 12, 4, 197, 196];
    const block = 2 * D * 2 * E + 2 * (2 * E * k + 2 * E * (R + 2 * N) + 2 * R * E + 9 * E * N) + 2 * E * D;
    const [blocks, head, embedding] = [24 * L * block, 2 * D * 1000, 2 * 768 * D * M];
    const total = blocks + head + embedding;
    expect(flops(tiny)).toEqual({ total, blocks, head, reduction: 0, embedding });
    expect(flops(tiny, { length: 197 })).toEqual(flops(tiny));
    expect(flops(tiny, { imageSize: [224, 224], length: 197 })).toEqual(flops(tiny));
  });

  test('of PlainMamba: one convolution, four scans', () => {
    const [D, E, N, R, k, L] = [192, 384, 16, 12, 7, 196];
    const block =
      2 * D * 2 * E + 2 * E * k * k + 2 * E * (R + 2 * N) + 2 * R * E + 4 * (9 * E * N + E) + 2 * E * D;
    const stem = 112 * 112 * 64 * (7 * 7 * 3 + 9 * 64);
    const embedding = 2 * (stem + L * D * 64 * 64 + L * 9 * D);
    const found = flops(plain);
    expect(found).toMatchObject({ blocks: 24 * L * block, head: 2 * D * 1000, embedding });
    expect(found.total).toBe(found.blocks + found.head + embedding);
    expect(flops(plain, { length: 196 })).toEqual(found);
    // Where an image that makes as many tokens is known, its pixels count; else whole patches do.
    const narrow = { ...plain, imageSize: [220, 218], grid: [14, 14] } as const;
    expect(flops(narrow, { length: 196 })).toEqual(flops(narrow));
    expect(flops(narrow, { length: 14 }).embedding).toBeCloseTo(embedding / 14, 3);
  });

  test('of another image size', () => {
    const perToken = flops(tiny).blocks / 197;
    expect(flops(tiny, { imageSize: [160, 320] }).blocks).toBe(201 * perToken);
    // 60x90 is 30x45 after the stem, padded to 4x6 patches of 8
    const odd = flops({ ...plain, depthwiseLayers: [] }, { imageSize: [60, 90] });
    expect(odd.blocks).toBe((24 * flops(plain).blocks) / 196);
    const stem = 30 * 45 * 64 * (7 * 7 * 3 + 9 * 64);
    expect(odd.embedding).toBe(2 * (stem + 24 * 192 * 64 * 64));
  });

  test('a depthwise branch counts with the tokens that reach it', () => {
    const config = { ...plain, depthwiseLayers: [0, 2] };
    const branch = (o: object) =>
      flops(config, o).embedding - flops({ ...config, depthwiseLayers: [] }, o).embedding;
    expect(branch({})).toBe(2 * 9 * 192 * (196 + 196));
    expect(branch({ reduction: prune({ layers: [1], keep: 0.5 }) })).toBe(2 * 9 * 192 * (196 + 98));
  });

  test('of a reduction count scores of both directions', () => {
    const delta = prune({ layers: [4], keep: 0.5, importance: { metric: 'delta' } });
    expect(flops(tiny, { reduction: delta }).reduction).toBe(197 * 2 * 384);
    expect(flops(plain, { reduction: delta }).reduction).toBe(196 * 384);
  });

  test('ltmp counts with the tokens that a pass reported', () => {
    const reduction = ltmp({ layers: [0], pruneBelow: 0, mergeAbove: 1 });
    const perToken = flops(tiny).blocks / 24 / 197;
    expect(flops(tiny, { reduction, counts: [100] }).blocks).toBe((197 + 23 * 100) * perToken);
    expect(argumentError(() => flops(tiny, { reduction }))).toContain('Give counts');
  });

  test.each([
    [{ imageSize: 224 }, 'Expected [height, width] in pixels for imageSize of flops() but received 224.'],
    [
      { imageSize: [224, 0] },
      'Expected [height, width] in pixels for imageSize of flops() but received an array of 2.',
    ],
    [
      { imageSize: [8, 224] },
      'Expected at least a patch of 16 pixels for imageSize of flops() but received 8 x 224.',
    ],
    [
      { imageSize: [224, 224], length: 196 },
      'Expected 197, as the image size makes it, for length of flops() but received 196.',
    ],
    [{ length: 1 }, 'Expected a whole number from 2 to 2^53 - 1 for length of flops() but received 1.'],
    [
      { headRows: 1 },
      'Expected only length, imageSize, reduction, counts for the options of flops() but received "headRows".',
    ],
  ])('%j is refused', (o, expected) => {
    expect(argumentError(() => flops(tiny, o as never))).toBe(expected);
  });
});

describe('published FLOPs', () => {
  // ../shared/reference/vision: the authors' script for PlainMamba, DyVM's for ViM.
  test.each<[VisionModelName, object]>([
    ['vim-tiny', { oneDirection: 1_448_965_632, bothDirections: 1_819_227_648 }],
    ['vim-small', { oneDirection: 5_076_593_664, bothDirections: 5_904_264_192 }],
    ['vim-base', { oneDirection: 18_867_836_928, bothDirections: 20_871_763_968 }],
    ['vim-tiny-stride8', { oneDirection: 5_368_843_776, bothDirections: 6_741_179_904 }],
    ['plainmamba-l1', { total: 3_021_322_752 }],
    ['plainmamba-l2', { total: 8_088_998_400 }],
    ['plainmamba-l3', { total: 14_452_657_408 }],
  ])('%s', (name, expected) => {
    const [family] = name.split('-');
    expect(publishedFlops(publishedConfig(name))).toEqual({ family, ...expected });
  });

  test('every published model has them', () => {
    for (const name of visionModelNames) {
      for (const value of Object.values(publishedFlops(publishedConfig(name))).slice(1)) {
        expect(value).toBeGreaterThan(1e9);
      }
    }
  });

  const folder = reference('vision');
  (folder ? test : test.skip)('are those of the reference', () => {
    const vim = JSON.parse(readFileSync(`${folder}/official_vim_sizes.json`, 'utf8'));
    const names = Object.keys(vim);
    expect(names.length).toBe(4);
    for (const name of names) {
      const found = publishedFlops(publishedConfig(name.replaceAll('_', '-') as VisionModelName));
      const { gflops_one_direction_DyVM_counting: one, gflops_total: both } = vim[name];
      expect(found).toEqual({ family: 'vim', oneDirection: one * 1e9, bothDirections: both * 1e9 });
    }
    const plains = JSON.parse(readFileSync(`${folder}/official_plainmamba_sizes.json`, 'utf8'));
    expect(Object.keys(plains)).toEqual(['L1', 'L2', 'L3']);
    for (const [size, { total_gflops: total }] of Object.entries<{ total_gflops: number }>(plains)) {
      const found = publishedFlops(publishedConfig(`plainmamba-${size.toLowerCase()}` as VisionModelName));
      expect(found).toEqual({ family: 'plainmamba', total: Math.round(total * 1e9) });
    }
  });
});
