// node main.mjs: makes a few signals and tells what is in them, and which frames were read to find out.
import { kinds, SignalClassifier } from './index.mjs';
import { signal } from './signals.mjs';

const classifier = await SignalClassifier.load();
const signals = kinds.map((kind) => signal(kind, Math.random));
for (const [i, { kind, probabilities, kept }] of (await classifier.classify(signals)).entries()) {
  const frames = Array.from({ length: signals[i].length / 8 }, (_, f) => (kept.includes(f) ? '#' : '.')).join(
    '',
  );
  console.log(
    `${kinds[i].padEnd(6)} -> ${kind.padEnd(6)} ${(100 * Math.max(...probabilities)).toFixed(0).padStart(3)} %  ${frames}`,
  );
}
