import type { VisionConfig } from '../models/vision-config';
import { tokensOf } from '../models/vision-grid';
import { checkConfig } from './settings';
import { stemChannels } from './vision-flops';

/** What publications count for one image of the trained size; a multiply-add counts as one, scans by a rule of their own. */
export type PublishedFlops =
  | {
      /** ViM. */
      family: 'vim';
      /** Of each layer's two directions only one, as DyVM's script counts: the 1.5 and 5.1 G that are quoted for ViM-Ti and ViM-S. */
      oneDirection: number;
      /** By the same rule, both. */
      bothDirections: number;
    }
  | {
      /** PlainMamba. */
      family: 'plainmamba';
      /** As the authors' script counts: 3.0, 8.1 and 14.4 G for L1, L2 and L3. The head is left out. */
      total: number;
    };

/**
 * The numbers to compare with those in papers. They follow the papers' conventions, which differ: for what a reduction saves, and to
 * compare models of different kinds, use `flops()`, which counts a multiply-add as two and everything that runs.
 *
 * ViM: the authors have no script; the rule is that of DyVM (NUS-HPC-AI-Lab/DyVM), which counts a scan as 9*L*E*N + 2*L*E and one
 * direction, and for both directions convolution, parameters and (9*N + 1)*L*E of the scan twice. PlainMamba: `get_flops.py
 * --is-mamba` of the authors, that is mmcv's counts of modules (convolutions and their biases, linear layers, 2 for each element of
 * a norm, 1 of a ReLU; gates, SiLU and GELU are free) and (9*N + 1)*L*E for each of four scans.
 */
export function publishedFlops(config: VisionConfig): PublishedFlops {
  checkConfig(config);
  return config.family === 'vim'
    ? { family: 'vim', ...vimFlops(config) }
    : { family: 'plainmamba', total: plainMambaFlops(config) };
}

function vimFlops(config: VisionConfig): { oneDirection: number; bothDirections: number } {
  const { dModel: D, dInner: E, dState: N, dtRank: R, convWidth: k } = config;
  const patches = config.grid[0] * config.grid[1];
  const L = tokensOf(config, patches);
  const outside = 3 * config.patchSize ** 2 * D * patches + D * config.numClasses;
  const projections = 3 * L * D * E;
  const parameters = L * E * (R + 2 * N) + L * R * E;
  // A convolution over L tokens and its padding.
  const padded = k * (L + k - 1) * E;
  const one = projections + padded + parameters + 9 * L * E * N + 2 * L * E;
  const both = projections + 2 * (k * L * E + parameters + (9 * N + 1) * L * E);
  return {
    oneDirection: config.layers * one + outside,
    bothDirections: config.layers * both + outside,
  };
}

function plainMambaFlops(config: VisionConfig): number {
  const { dModel: D, dInner: E, dState: N, dtRank: R, convWidth: k, layers, stemConvs } = config;
  const L = config.grid[0] * config.grid[1];
  const half = Math.ceil(config.imageSize[0] / 2) * Math.ceil(config.imageSize[1] / 2);
  const depthwise = config.depthwiseLayers.length;
  const stem = half * stemChannels * (7 * 7 * 3 + stemConvs * 3 * 3 * stemChannels);
  const patches = L * D * (stemChannels * (config.patchSize / 2) ** 2 + 1);
  const convolutions = stem + patches + layers * L * E * (k * k + 1) + depthwise * 9 * L * D;
  const linear = layers * L * (3 * D * E + E * (R + 2 * N) + R * E);
  const norms = 2 * half * stemChannels * (1 + stemConvs) + 2 * L * D * depthwise + 2 * L * D * (layers + 1);
  const activations = half * stemChannels * (1 + stemConvs);
  const scans = layers * 4 * (9 * N + 1) * L * E;
  return convolutions + linear + norms + activations + scans;
}
