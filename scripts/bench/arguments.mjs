// What the command lines of the benchmarks have in common. All throw a TypeError that names the option.

/** The items of an option that is a list, commas between them. */
export function list(values, name) {
  return values[name].split(',').filter((item) => item !== '');
}

export function oneOf(name, value, allowed) {
  if (allowed.includes(value)) return value;
  throw new TypeError(`--${name}: found ${JSON.stringify(value)}, expected ${allowed.join(', ')}`);
}

export function wholeNumber(name, value, least) {
  if (/^\d+$/.test(value) && Number(value) >= least) return Number(value);
  throw new TypeError(`--${name}: found ${JSON.stringify(value)}, expected a whole number from ${least}`);
}

export function positiveNumber(name, value) {
  if (Number(value) > 0) return Number(value);
  throw new TypeError(`--${name}: found ${JSON.stringify(value)}, expected a positive number`);
}
