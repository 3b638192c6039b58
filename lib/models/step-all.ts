import { invalidArgument, mismatch, SkipscanError } from '../errors';
import { checkTokens, type Tokens } from './arguments';
import type { LanguageModel } from './language-model';
import { Session } from './session';
import { stepOn } from './session-batch';

/** @internal `LanguageModel.stepAll`. */
export async function stepAll(
  model: LanguageModel,
  sessions: readonly Session[],
  tokens: Tokens,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Float32Array[]> {
  model.assertOpen();
  checkSessions(model, sessions);
  if (sessions.length === 0 && tokens?.length === 0) return [];
  const { vocabRows } = model.config;
  const ids = checkTokens(tokens, 'tokens', vocabRows);
  if (ids.length !== sessions.length) {
    throw mismatch('tokens', `${sessions.length} tokens, one for each session,`, `${ids.length}`);
  }
  const logits = await stepOn(model, [...sessions], ids, signal);
  return Array.from(ids, (_, s) => logits.subarray(s * vocabRows, (s + 1) * vocabRows));
}

function checkSessions(model: LanguageModel, sessions: readonly Session[]): void {
  if (!Array.isArray(sessions)) throw invalidArgument('sessions', 'an array of sessions', sessions);
  const seen = new Map<Session, number>();
  for (const [s, session] of sessions.entries()) {
    if (!(session instanceof Session)) throw invalidArgument(`sessions[${s}]`, 'a session', session);
    if (!session.belongsTo(model)) {
      throw new SkipscanError(
        'ERR_ARGUMENT',
        `Expected sessions of this model (${model.source}) but sessions[${s}] is another model's. Step it with the model that made it.`,
      );
    }
    const first = seen.get(session);
    if (first !== undefined) {
      throw new SkipscanError(
        'ERR_ARGUMENT',
        `Expected different sessions but sessions[${first}] and sessions[${s}] are the same one. Pass a clone() to go on in two ways.`,
      );
    }
    seen.set(session, s);
  }
}
