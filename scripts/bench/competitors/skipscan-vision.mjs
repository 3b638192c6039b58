import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { serve, timed } from './serve.mjs';

let model;
let pixels;
let shape;

serve({
  async load({ path, name, threads }) {
    const { loadVisionModel } = await import('skipscan').catch((error) => {
      throw new Error(`skipscan does not load; build it first (npm ci, npm run build): ${error.message}`);
    });
    const seconds = await timed(async () => {
      model = await loadVisionModel(path, { device: 'cpu', model: name, threads });
    });
    const { version } = createRequire(import.meta.url)('skipscan/package.json');
    return { version, engine: model.backend, seconds };
  },

  /** What the other calls read: normalised pixels in a file, float32. */
  async images({ path, shape: size }) {
    const bytes = readFileSync(path);
    pixels = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    shape = size;
  },

  async logits() {
    return Array.from((await model.forward(pixels, shape)).logits);
  },

  async forward() {
    return timed(() => model.forward(pixels, shape));
  },
});
