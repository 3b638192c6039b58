import type { Policy } from '../../reduction';

/** What is swept over: a policy, or the one that is recommended for the model. */
export type SweptPolicy = Policy['name'] | 'recommended';

/** A value of an option; an array is a list of layers. */
export type AxisValue = string | number | boolean | readonly number[];

/** An option of policies, and the values that it is to take. */
export type Axis = {
  /** Such as `alignment`. */
  name: string;
  /** Its place among the options of a policy's function, such as `importance.metric`. */
  path: string;
  /** The policies that have it. */
  of: readonly SweptPolicy[];
  /** Others are compared with the first. */
  values: readonly AxisValue[];
};

export type Sweep = {
  policies: readonly SweptPolicy[];
  /** Shares of the blocks' FLOPs to save. */
  cuts: readonly number[];
  axes: readonly Axis[];
  /** Every option is varied alone, the others at their first value, where otherwise all values meet all others. */
  oneAtATime: boolean;
};

/** A policy, and which value of each option it takes: an index, for those options only that make a difference to it. */
export type Point = { policy: SweptPolicy; cut: number; at: Readonly<Record<string, number>> };

/** Every combination, in the order of the lists; what an option makes no difference to is there once. */
export function pointsOf({ policies, cuts, axes, oneAtATime }: Sweep): Point[] {
  return [...new Set(policies)].flatMap((policy) => {
    const own = axes.filter(({ of }) => of.includes(policy));
    const all = oneAtATime ? starOf(own) : productOf(own);
    const places = [...new Map(all.map((at) => relevant(at, own)).map((at) => [keyOf(at), at])).values()];
    return [...new Set(cuts)].flatMap((cut) => places.map((at) => ({ policy, cut, at })));
  });
}

type Place = Record<string, number>;

function productOf(axes: readonly Axis[]): Place[] {
  let places: Place[] = [{}];
  for (const { name, values } of axes) {
    places = places.flatMap((place) => values.map((_, i) => ({ ...place, [name]: i })));
  }
  return places;
}

function starOf(axes: readonly Axis[]): Place[] {
  const first: Place = Object.fromEntries(axes.map(({ name }) => [name, 0]));
  const others = axes.flatMap(({ name, values }) =>
    values.slice(1).map((_, i) => ({ ...first, [name]: i + 1 })),
  );
  return [first, ...others];
}

/** Metrics that have a tensor of their own ignore the source. */
const ownTensor: readonly AxisValue[] = ['delta', 'state', 'novel', 'novel2'];

function relevant(at: Place, axes: readonly Axis[]): Place {
  const metric = axes.find(({ path }) => path === 'importance.metric');
  const source = axes.find(({ path }) => path === 'importance.source');
  if (!metric || !source || !ownTensor.includes(metric.values[at[metric.name]])) return at;
  const { [source.name]: _, ...others } = at;
  return others;
}

function keyOf(at: Place): string {
  return JSON.stringify(Object.entries(at).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The options that a point says, as a policy's function takes them. */
export function optionsAt({ at }: Pick<Point, 'at'>, axes: readonly Axis[]): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const { name, path, values } of axes) {
    if (at[name] === undefined) continue;
    const [outer, inner] = path.split('.');
    const value = values[at[name]];
    options[outer] = inner === undefined ? value : { ...(options[outer] as object), [inner]: value };
  }
  return options;
}

/** A value as text: layers with spaces, whether a flag is set as yes or no. */
export function valueText(value: AxisValue): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return Array.isArray(value) ? value.join(' ') : String(value);
}
