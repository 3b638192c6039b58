import type { Axis, AxisValue, Sweep, SweptPolicy } from '../evaluation/report';
import { isVision, type ModelConfig } from '../models/model-config';
import { paperSchedule } from '../reduction';
import { type Command, listOption, numbersOption, UsageError, type Values } from './command';
import { policyOptionTable, reductionNames } from './reduction-options';

/** The list of values of each option of policies, and what a report calls the option. */
const lists: Record<string, { of: string; name: string; value?: string; help?: string }> = {
  alignments: { of: 'align', name: 'alignment' },
  metrics: { of: 'metric', name: 'metric' },
  sources: { of: 'source', name: 'source' },
  layers: {
    of: 'layers',
    name: 'layers',
    value: 'LISTS',
    help: "Lists of layers with ; between them, or paper: the papers', scaled to the model.",
  },
  'protect-last': { of: 'protect-last', name: 'protectLast' },
  convs: { of: 'conv', name: 'conv' },
  directions: { of: 'direction', name: 'direction' },
  similarities: { of: 'similarity', name: 'similarity' },
  'q-hidden': { of: 'q-hidden', name: 'qHidden' },
  'q-residual': { of: 'q-residual', name: 'qResidual' },
  fuse: { of: 'fuse', name: 'fuse', value: 'no,yes' },
  seeds: { of: 'random-seed', name: 'seed' },
};

/** Policies with an amount that can be set or found. */
const swept = reductionNames as readonly SweptPolicy[];

export const sweepOptions: Command['options'] = {
  policies: {
    type: 'string',
    value: 'LIST',
    help: `Some of ${swept.join(', ')}. Defaults to all that the model can have.`,
  },
  cuts: {
    type: 'string',
    value: 'LIST',
    help: "Shares of the blocks' FLOPs to save. Defaults to 0.1,0.2,0.3; with images to 0.15,0.3,0.45.",
  },
  ...Object.fromEntries(
    Object.entries(lists).map(([list, { of, value = 'LIST', help }]) => [
      list,
      { type: 'string' as const, value, help: help ?? `Values of --${of}. ${policyOptionTable[of].help}` },
    ]),
  ),
  'one-at-a-time': {
    type: 'boolean',
    help: 'Vary each of these lists alone, the others at their first value, instead of all with all.',
  },
};

/** Makes the sweep for a model; everything that no model is needed for is checked. */
export function sweepFromOptions(values: Values): (config: ModelConfig) => Sweep {
  const given = listOption(values, 'policies') as SweptPolicy[] | undefined;
  const unknown = given?.find((name) => !swept.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`Expected some of ${swept.join(', ')} for --policies but received '${unknown}'.`);
  }
  const cuts = numbersOption(values, 'cuts');
  const wrong = cuts?.find((cut) => cut <= 0 || cut >= 1);
  if (wrong !== undefined) {
    throw new UsageError(`Expected shares above 0 and below 1 for --cuts but received ${wrong}.`);
  }
  const axes = Object.keys(lists).flatMap((list) => axisFromOption(values, list));
  return (config) => {
    const vision = isVision(config);
    const policies = given ?? swept.filter((name) => name !== 'released-top' || config.family === 'vim');
    const unused = axes.find(({ of }) => !policies.some((policy) => of.includes(policy)));
    if (unused) {
      throw new UsageError(
        `Received values of ${unused.name} with ${policies.join(', ')}, but it is an option of ${unused.of.join(', ')}.`,
      );
    }
    return {
      policies,
      cuts: cuts ?? (vision ? [0.15, 0.3, 0.45] : [0.1, 0.2, 0.3]),
      axes: axes.map((axis) => ({ ...axis, values: axis.values.map((value) => layersFor(value, config)) })),
      oneAtATime: values['one-at-a-time'] === true,
    };
  };
}

const paperLayers = 'paper';

function axisFromOption(values: Values, list: string): Axis[] {
  if (values[list] === undefined) return [];
  const { of: option, name } = lists[list];
  const { path, of, read } = policyOptionTable[option];
  const items = String(values[list]).split(option === 'layers' ? ';' : ',');
  const found = items.map((item): AxisValue => {
    const text = item.trim();
    if (option === 'layers' && text === paperLayers) return text;
    return option === 'fuse' ? flag(list, text) : (read({ [list]: text }, list) as AxisValue);
  });
  const repeated = found.find((value, i) => found.findIndex((other) => String(other) === String(value)) < i);
  if (repeated === undefined) return [{ name, path, of, values: found }];
  throw new UsageError(`Expected different values for --${list} but received ${String(repeated)} twice.`);
}

function flag(list: string, text: string): boolean {
  if (text === 'yes' || text === 'no') return text === 'yes';
  throw new UsageError(`Expected yes, no or both for --${list} but received '${text}'.`);
}

function layersFor(value: AxisValue, config: ModelConfig): AxisValue {
  return value === paperLayers ? paperSchedule(config).layers : value;
}
