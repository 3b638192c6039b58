/** Where the ticks of an axis are. */
export type Axis = { ticks: number[] /** Where a value lies, from 0 to 1. */; place(value: number): number };

/** From 0 to a tick at or above the largest value. */
export function linearAxis(values: readonly number[]): Axis {
  const largest = Math.max(...values, 0) || 1;
  return axisOfSteps(0, largest, stepFor(largest));
}

/** From a tick at or below the least value to one at or above the largest. */
export function fittedAxis(values: readonly number[]): Axis {
  const [least, largest] = values.length > 0 ? [Math.min(...values), Math.max(...values)] : [0, 0];
  const span = largest - least || Math.abs(largest) || 1;
  return axisOfSteps(least, largest, stepFor(span));
}

/** Round, so that at most five of them cover the span. */
function stepFor(span: number): number {
  const power = 10 ** Math.floor(Math.log10(span / 5));
  return [1, 2, 5, 10].map((factor) => factor * power).find((size) => size * 5 >= span * (1 - 1e-9))!;
}

function axisOfSteps(least: number, largest: number, step: number): Axis {
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(Math.ceil(largest / step - 1e-9), first + 1);
  return {
    ticks: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step),
    place: (value) => (value / step - first) / (last - first),
  };
}

/** Powers of ten around all values, all positive. */
export function logAxis(values: readonly number[]): Axis {
  const logs = values.length > 0 ? values.map(Math.log10) : [0];
  const low = Math.floor(Math.min(...logs));
  const high = Math.max(Math.ceil(Math.max(...logs)), low + 1);
  const every = Math.ceil((high - low) / 8);
  const count = Math.floor((high - low) / every) + 1;
  return {
    ticks: Array.from({ length: count }, (_, i) => 10 ** (low + i * every)),
    place: (value) => (value > 0 ? (Math.log10(value) - low) / (high - low) : -Infinity),
  };
}

export function tickText(tick: number): string {
  return String(Number(tick.toPrecision(6))); // 0.30000000000000004 is 0.3
}
