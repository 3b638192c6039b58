import { digest } from './digest.mjs';
import { languageOperations } from './language.mjs';
import { loadSoakModel } from './models.mjs';
import { visionOperations } from './vision.mjs';

export const variants = 4;
const operations = { language: languageOperations, vision: visionOperations };

/** Every operation of every model and variant: `{ key, model, run }`, where `run(loaded, how)` gives the result's digest. */
export function allOperations(models) {
  return models.flatMap((model) =>
    Object.entries(operations[model.kind]).flatMap(([name, operation]) =>
      Array.from({ length: variants }, (_, variant) => ({
        key: `${model.name} ${name} ${variant}`,
        model,
        run: async (loaded, how) => digest(await operation(loaded, variant, how)),
      })),
    ),
  );
}

/** What each of them gives with nothing beside it, by key. */
export async function serialAnswers(models) {
  const answers = new Map();
  for (const model of models) {
    const loaded = await loadSoakModel(model);
    for (const { key, run } of allOperations([model]))
      answers.set(key, await run(loaded, { chance: () => 0 }));
    await loaded.dispose();
  }
  return answers;
}
