import { Competitor } from './competitor.mjs';
import { ggufModel, huggingFaceModel } from './models.mjs';
import { findPeer } from './options.mjs';
import { pythonHas } from './python.mjs';
import { shapes } from './shapes.mjs';

/**
 * The engines that can take part, of those that `options.competitors` names; how to install one that is missing goes to
 * stderr.
 *
 * - `settings(shape, threads)`: a promise of what its methods `load` and `firstToken` are called with; writes the model where it is missing
 * - `start()`: a process of its own
 *
 * @param longest tokens that a sequence will have
 */
export function languageCompetitors(options, longest) {
  const { models, dtype, peerDtype, peers, python } = options;
  const folder = (name) => huggingFaceModel(models, name, shapes[name]);
  const entry = findPeer(peers);
  const all = {
    skipscan: {
      start: () => new Competitor('skipscan'),
      settings: async (name, threads) => ({ path: await folder(name), dtype, threads }),
    },
    'node-llama-cpp': {
      missing: !entry && llamaInstallation,
      start: () => new Competitor('node-llama-cpp'),
      settings: async (name, threads) => ({
        entry,
        path: await ggufModel(models, name, shapes[name], peerDtype),
        dtype: peerDtype,
        threads,
        contextSize: longest + 1,
      }),
    },
    transformers: {
      missing: !(python && pythonHas(python, 'transformers')) && transformersInstallation,
      start: () => new Competitor('transformers', { program: 'transformers_lm.py', interpreter: python }),
      settings: async (name, threads) => ({
        path: await folder(name),
        dtype: dtype === 'f32' ? 'f32' : 'bf16',
        threads,
      }),
    },
  };
  return options.competitors.flatMap((name) => {
    const { missing, ...competitor } = all[name];
    if (missing) process.stderr.write(missing);
    return missing ? [] : [{ name, ...competitor }];
  });
}

const llamaInstallation = `node-llama-cpp is not installed where --peers says, so it is left out. To have it:
  mkdir peers && cd peers && npm init -y && npm install node-llama-cpp@3.22.1 --ignore-scripts
(its binaries come as npm packages; nothing is compiled), then pass --peers with that folder.
`;

const transformersInstallation = `There is no --python with transformers, so transformers is left out. To have it:
  python3 -m venv peers/torch && peers/torch/bin/pip install torch transformers
then pass --python peers/torch/bin/python.
`;
