import { expectTypeOf } from 'expect-type';
import type {
  Forward,
  ForwardOptions,
  GeneratedToken,
  GenerateOptions,
  Kept,
  LanguageModel,
  LanguageModelConfig,
  LayerState,
  OperatorProfile,
  Policy,
  Profile,
  QueueStatus,
  Score,
  ScoreOptions,
  Session,
  Tokenizer,
  Tokens,
} from 'skipscan';

declare const model: LanguageModel;
declare const session: Session;
declare const policy: Policy;
declare const signal: AbortSignal;

// @ts-expect-error models come from loadLanguageModel(): the class is not there as a value
new LanguageModel({});
// @ts-expect-error nor is that of sessions
new Session();
// @ts-expect-error what is internal is not declared
model.native;
// @ts-expect-error
model.calls;
// @ts-expect-error
session.native;
// @ts-expect-error
model.tokenizer?.byteLevel;

// ---- what a model is
expectTypeOf<Tokens>().toEqualTypeOf<Int32Array | readonly number[]>();
expectTypeOf(model.config).toEqualTypeOf<LanguageModelConfig>();
expectTypeOf(model.config.family).toEqualTypeOf<'mamba' | 'mamba2'>();
expectTypeOf(model.config.format).toEqualTypeOf<'huggingface' | 'state-spaces'>();
expectTypeOf(model.tokenizer).toEqualTypeOf<Tokenizer | undefined>();
expectTypeOf(model.memory()).toEqualTypeOf<{ weights: number; workspace: number; sessions: number }>();
expectTypeOf<LanguageModel>().toExtend<AsyncDisposable>();
expectTypeOf(model.dispose()).toEqualTypeOf<Promise<void>>();
// @ts-expect-error a model cannot be changed
model.dtype = 'f32';
// @ts-expect-error nor can its config
model.config.layers = 2;

// ---- the queue of its calls
expectTypeOf(model.queue()).toEqualTypeOf<QueueStatus>();
expectTypeOf<QueueStatus>().toEqualTypeOf<{ running: number; waiting: number; limit: number }>();
expectTypeOf(model.ready({ signal })).toEqualTypeOf<Promise<void>>();

// ---- forward
expectTypeOf(model.forward).parameters.toEqualTypeOf<
  [tokens: Tokens | readonly Tokens[], o?: ForwardOptions | undefined]
>();
expectTypeOf(model.forward([1, 2])).resolves.toEqualTypeOf<Forward>();
expectTypeOf<Forward['logits']>().toEqualTypeOf<Float32Array>();
expectTypeOf<Forward['kept']>().toEqualTypeOf<Kept[]>();
expectTypeOf<Forward['hiddenStates']>().toEqualTypeOf<Float32Array[] | undefined>();
expectTypeOf<Forward['stats']>().toEqualTypeOf<{
  flops: number;
  denseFlops: number;
  reductionFlops: number;
  milliseconds: number;
}>();
expectTypeOf<Kept>().toEqualTypeOf<{ layer: number; offsets: Int32Array; positions: Int32Array }>();
model.forward([[1, 2], Int32Array.of(3)], { reduction: policy, logits: 'last', signal });
// @ts-expect-error text has to be cut into tokens
model.forward('text');
// @ts-expect-error all of the logits, or the last
model.forward([1], { logits: 'first' });
// @ts-expect-error token ids have 32 bits
model.forward(BigInt64Array.of(1n));

// ---- generate: an iterable of tokens
const generated = model.generate('text', { maxNewTokens: 3, temperature: 0.7, topK: 40, topP: 0.9, seed: 1 });
expectTypeOf(generated).toEqualTypeOf<AsyncGenerator<GeneratedToken, void, void>>();
expectTypeOf<GeneratedToken>().toEqualTypeOf<{ text: string; token: number; logprob: number }>();
expectTypeOf(model.generate).parameters.toEqualTypeOf<
  [prompt: string | Tokens, o?: GenerateOptions | undefined]
>();
async function loop() {
  for await (const { text, token, logprob } of model.generate([1, 2], {
    stop: ['.'],
    ignoreEos: true,
    signal,
  })) {
    expectTypeOf(text).toEqualTypeOf<string>();
    expectTypeOf(token).toEqualTypeOf<number>();
    expectTypeOf(logprob).toEqualTypeOf<number>();
  }
  // @ts-expect-error it cannot be run through at once
  for (const _ of model.generate('text'));
  await using own = model.createSession({ reduction: policy });
  expectTypeOf(own).toEqualTypeOf<Session>();
}
// @ts-expect-error stop strings are a list
model.generate('text', { stop: '.' });
// @ts-expect-error a number is no prompt
model.generate(5);
// @ts-expect-error an option that there is not
model.generate('text', { max_new_tokens: 5 });
// @ts-expect-error a policy is made by a policy function
model.generate('text', { reduction: { name: 'prune' } });

// ---- score
expectTypeOf(model.score('a', [1])).resolves.toEqualTypeOf<Score>();
expectTypeOf<Score>().toEqualTypeOf<{
  logprobs: Float32Array;
  total: number;
  greedy: boolean;
  greedyTokens: number;
}>();
expectTypeOf<NonNullable<ScoreOptions['protocol']>>().toEqualTypeOf<'prefill' | 'paper'>();
// @ts-expect-error a protocol that there is not
model.score('a', 'b', { protocol: 'dense' });

// ---- profile: what the work returns comes through
expectTypeOf(model.profile(async () => 'done' as const)).resolves.toEqualTypeOf<Profile<'done'>>();
expectTypeOf<Profile<number>['operators']>().toEqualTypeOf<OperatorProfile[]>();
// @ts-expect-error work is asynchronous
model.profile(() => 5);

// ---- sessions
expectTypeOf<Session>().toExtend<AsyncDisposable>();
expectTypeOf(model.createSession).parameters.toEqualTypeOf<[o?: { reduction?: Policy } | undefined]>();
expectTypeOf(model.restoreSession(new Uint8Array())).toEqualTypeOf<Session>();
expectTypeOf(session.prefill([1], { signal })).resolves.toEqualTypeOf<Float32Array>();
expectTypeOf(session.step).parameter(0).toEqualTypeOf<number>();
expectTypeOf(session.step(1, { signal })).resolves.toEqualTypeOf<Float32Array>();
expectTypeOf(session.clone()).toEqualTypeOf<Session>();
expectTypeOf(session.save()).resolves.toEqualTypeOf<Uint8Array>();
expectTypeOf(session.saveTo('file')).toEqualTypeOf<Promise<void>>();
expectTypeOf(model.restoreSessionFrom('file')).resolves.toEqualTypeOf<Session>();
expectTypeOf(session.state(0)).toEqualTypeOf<LayerState>();
expectTypeOf<LayerState>().toEqualTypeOf<{ conv: Float32Array; ssm: Float32Array }>();
expectTypeOf(session.kept).toEqualTypeOf<Kept[]>();
expectTypeOf(model.stepAll([session], [1])).resolves.toEqualTypeOf<Float32Array[]>();
// @ts-expect-error one token is a number
session.step([1]);
// @ts-expect-error length is counted, not set
session.length = 0;

// ---- tokenizers
declare const tokenizer: Tokenizer;
expectTypeOf(tokenizer.encode('text', { addSpecialTokens: false })).toEqualTypeOf<Int32Array>();
expectTypeOf(tokenizer.decode([1], { skipSpecialTokens: true })).toEqualTypeOf<string>();
expectTypeOf(tokenizer.eosTokenId).toEqualTypeOf<number | undefined>();

export { loop };
