import { SkipscanError } from '../errors';
import type { ModelConfig } from '../models/model-config';
import { type Policy, paperSchedule, policyFromJSON, prune, recommended } from '../reduction';
import { choiceOption, UsageError, type Values } from './command';
import { policyOptionTable, type ReductionName, reductionNames } from './reduction-options';

/** Makes the policy for a model, whose depth decides the layers where none are given. */
export type PolicyMaker = (config: ModelConfig) => Policy;

/** The reduction that the options ask for, if any; everything that no model is needed for is checked. */
export function reductionFromOptions(values: Values): PolicyMaker | undefined {
  const name = choiceOption(values, 'reduce', reductionNames);
  if (name !== undefined) {
    checkBelonging(values, [name]);
    return policyFromOptions(name, values);
  }
  const given = Object.keys(policyOptionTable).find((option) => values[option] !== undefined);
  if (given === undefined) return undefined;
  throw new UsageError(`Received --${given} without --reduce. Say which policy to reduce by.`);
}

/** A policy with those of the options that it has. */
export function policyFromOptions(name: ReductionName, values: Values): PolicyMaker {
  checkAmount(name, values);
  const options: Record<string, unknown> = {};
  for (const [option, { of, path, read }] of Object.entries(policyOptionTable)) {
    if (of.includes(name)) assign(options, path, read(values, option));
  }
  if (name === 'recommended') {
    const amount = { flopsReduction: options.flopsReduction as number };
    orUsageError(() => prune({ ...amount, layers: [0] }));
    return (config) => recommended(config, amount);
  }
  const make = (layers: number[]) =>
    orUsageError(() => policyFromJSON({ ...options, name, layers: options.layers ?? layers }));
  make([0]);
  return (config) => make(paperSchedule(config).layers);
}

/** Fails on an option that none of these policies has. */
export function checkBelonging(values: Values, names: readonly ReductionName[]): void {
  for (const [option, { of }] of Object.entries(policyOptionTable)) {
    if (values[option] === undefined || names.some((name) => of.includes(name))) continue;
    throw new UsageError(
      `Received --${option} with ${names.join(', ')}, but it is an option of ${of.join(', ')}.`,
    );
  }
}

function checkAmount(name: ReductionName, values: Values): void {
  if (name === 'ltmp') {
    if (values['prune-below'] !== undefined && values['merge-above'] !== undefined) return;
    throw new UsageError('Expected --prune-below and --merge-above with ltmp, which removes by thresholds.');
  }
  if (values.flops !== undefined && values.keep !== undefined) {
    throw new UsageError('Expected --flops or --keep but received both.');
  }
  if (values.flops === undefined && values.keep === undefined && name !== 'released-top') {
    const amount = name === 'recommended' ? '--flops' : '--flops or --keep';
    throw new UsageError(`Expected ${amount} with ${name}: how much to remove.`);
  }
}

/** Sets `a.b` of an object; no value sets nothing. */
function assign(options: Record<string, unknown>, path: string, value: unknown): void {
  if (value === undefined) return;
  const [name, inner] = path.split('.');
  options[name] = inner === undefined ? value : { ...(options[name] as object), [inner]: value };
}

/** A value that a policy cannot have was typed here. */
function orUsageError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof SkipscanError ? new UsageError(error.message) : error;
  }
}
