import type { ModelConfig } from '../../models/model-config';
import { type Policy, paperSchedule, policyFromJSON, recommended } from '../../reduction';
import { calibratedLtmp, calibratedTop, type Saved } from '../calibrate';
import { type Axis, optionsAt, type Point } from './sweep';

/** Every `calibrationStep`-th sample is enough to set thresholds by; how much they save is then measured on all. */
const calibrationStep = 16;

/** Options that thresholds are not set anew for: they change what is done with the places of dropped tokens. */
const sameThresholds = ['alignment', 'conv'];

/**
 * The policy at each point of a sweep. Those that know no share of FLOPs get thresholds or a keep ratio with which they save about as
 * much on some of the samples.
 *
 * @param o.saved the share of the blocks' FLOPs that a policy saves on every `step`-th sample
 * @param o.samples how many there are
 * @param o.onProgress points done and points in all
 * @throws SkipscanError `ERR_ARGUMENT` for options that a policy cannot have, or more to save than can be
 */
export async function policiesAt(
  points: readonly Point[],
  axes: readonly Axis[],
  config: ModelConfig,
  o: {
    saved: (policy: Policy, step: number) => Promise<number>;
    samples: number;
    onProgress?: (done: number, total: number) => void;
  },
): Promise<Policy[]> {
  const step = Math.min(calibrationStep, Math.max(1, Math.floor(o.samples / calibrationStep)));
  const saved: Saved = (policy) => o.saved(policy, step);
  const calibrated = new Map<string, Policy>();
  const policies: Policy[] = [];
  for (const [i, point] of points.entries()) {
    o.onProgress?.(i, points.length);
    policies.push(await policyAt(point, axes, config, saved, calibrated));
  }
  o.onProgress?.(points.length, points.length);
  return policies;
}

async function policyAt(
  point: Point,
  axes: readonly Axis[],
  config: ModelConfig,
  saved: Saved,
  calibrated: Map<string, Policy>,
): Promise<Policy> {
  const { policy: name, cut } = point;
  if (name === 'recommended') return recommended(config, { flopsReduction: cut });
  const { layers } = paperSchedule(config);
  const options = { layers, ...optionsAt(point, axes) };
  if (name === 'released-top') return calibratedTop(saved, cut, options.layers);
  if (name !== 'ltmp') return policyFromJSON({ name, ...options, flopsReduction: cut });

  const atFirst = Object.fromEntries(
    Object.entries(point.at).map(([axis, i]) => [axis, sameThresholds.includes(axis) ? 0 : i]),
  );
  const key = JSON.stringify([cut, atFirst]);
  if (!calibrated.has(key)) {
    const thresholds = await calibratedLtmp(saved, cut, { layers, ...optionsAt({ at: atFirst }, axes) });
    calibrated.set(key, thresholds);
  }
  return policyFromJSON({ ...calibrated.get(key), ...options });
}
