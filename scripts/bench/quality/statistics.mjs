/** Mean and its standard error. */
export function summarize(values) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, standardError: Math.sqrt(variance / values.length) };
}

/** Value by value: paired, so that what makes a window hard cancels out. */
export function differences(a, b) {
  return a.map((value, i) => value - b[i]);
}
