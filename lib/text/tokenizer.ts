import { badCheckpoint, invalidArgument, type SkipscanError, shorten } from '../errors';
import { byteLevelBytes, writeOutSplit } from './byte-level';
import {
  readConfig,
  readDefinition,
  type SpecialToken,
  type TokenizerConfig,
  type TokenizerDefinition,
} from './tokenizer-file';

/** How text becomes tokens. */
export interface EncodeOptions {
  /** Whether to add what the tokenizer's template adds, such as a beginning-of-sequence token. Defaults to true. */
  addSpecialTokens?: boolean;
}

/** How tokens become text. */
export interface DecodeOptions {
  /** Whether to leave out special tokens such as `<|endoftext|>`. Defaults to false. */
  skipSpecialTokens?: boolean;
}

/** What we use of the library's class; its own declarations do not resolve for a CommonJS package. */
interface LibraryTokenizer {
  encode(
    text: string,
    options: { add_special_tokens: boolean },
  ): { ids: (number | undefined)[]; tokens: string[] };
  decode(ids: number[], options: { clean_up_tokenization_spaces: boolean }): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
}
interface Library {
  Tokenizer: new (definition: TokenizerDefinition, config: TokenizerConfig) => LibraryTokenizer;
}

/**
 * Turns text into token ids and back, as a Hugging Face tokenizer.json says.
 *
 * Decoding gives the tokens' text unchanged: the `clean_up_tokenization_spaces` of tokenizer_config.json, which removes
 * spaces before punctuation, is not applied. It would break the round trip, and a stream could not be cleaned up.
 */
export class Tokenizer {
  /** One more than the largest token id. A model may have more rows than this: padding that stands for no token. */
  readonly vocabSize: number;
  /** The token that begins a text, where tokenizer_config.json names one. */
  readonly bosTokenId: number | undefined;
  /** The token that ends a text, where it names one. */
  readonly eosTokenId: number | undefined;
  /** Whether every token stands for bytes, so that texts are put together from bytes. @internal */
  readonly byteLevel: boolean;

  readonly #file: string;
  readonly #library: LibraryTokenizer;
  readonly #specialIds: ReadonlySet<number>;

  private constructor(
    file: string,
    library: LibraryTokenizer,
    definition: TokenizerDefinition,
    config: TokenizerConfig,
  ) {
    const { added_tokens: added, decoder, model } = definition;
    const idOf = (token: SpecialToken) => {
      const content = typeof token === 'string' ? token : token?.content;
      return content === undefined ? undefined : library.token_to_id(content);
    };
    this.#file = file;
    this.#library = library;
    this.#specialIds = new Set(added.filter((token) => token.special).map((token) => token.id));
    this.vocabSize = largestId(model.vocab, added) + 1;
    this.bosTokenId = idOf(config.bos_token);
    this.eosTokenId = idOf(config.eos_token);
    this.byteLevel = decoder?.type === 'ByteLevel';
  }

  /**
   * Reads a tokenizer.json and, where there is one, the tokenizer_config.json beside it. Rejects with ERR_CHECKPOINT
   * when a file is missing or malformed, ERR_UNSUPPORTED when the tokenizer is of a kind that cannot be run.
   */
  static async load(tokenizerFile: string, tokenizerConfigFile?: string): Promise<Tokenizer> {
    const definition = await readDefinition(tokenizerFile);
    return Tokenizer.of(tokenizerFile, definition, await readConfig(tokenizerConfigFile));
  }

  /** The same for files that were read; errors name `tokenizerFile`. @internal */
  static async of(
    tokenizerFile: string,
    definition: TokenizerDefinition,
    config: TokenizerConfig,
  ): Promise<Tokenizer> {
    const library = (await import('@huggingface/tokenizers')) as unknown as Library;
    try {
      const preTokenizer = writeOutSplit(definition.pre_tokenizer);
      const inner = new library.Tokenizer({ ...definition, pre_tokenizer: preTokenizer }, config);
      return new Tokenizer(tokenizerFile, inner, definition, config);
    } catch (cause) {
      throw unusable(tokenizerFile, cause);
    }
  }

  /** The token ids of a text. Special tokens written out in the text, such as `<|endoftext|>`, become their id. */
  encode(text: string, options: EncodeOptions = {}): Int32Array {
    if (typeof text !== 'string') throw invalidArgument('text', 'a string', text);
    const { ids, tokens } = this.#using((library) =>
      library.encode(text, { add_special_tokens: options.addSpecialTokens ?? true }),
    );
    // What the file says of unknown text need not be a token: the library then gives -1, or whatever number the file has.
    const unknown = ids.findIndex((id) => !Number.isInteger(id) || id! < 0 || id! >= this.vocabSize);
    if (unknown >= 0)
      throw invalidArgument('text', "text that the tokenizer's vocabulary covers", tokens[unknown]);
    return Int32Array.from(ids as number[]);
  }

  /**
   * The text of token ids. Ids that stand for no token (padding rows of a model) add nothing; bytes that are not UTF-8
   * become U+FFFD.
   */
  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    const visible = Array.from(ids, checkedId).filter((id) => this.isVisible(id, options));
    if (visible.length === 0) return '';
    if (!this.byteLevel) {
      return this.#using((library) => library.decode(visible, { clean_up_tokenization_spaces: false }));
    }
    const bytes = Buffer.concat(visible.map((id) => this.bytesOf(id)));
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  }

  /** The library meets most of what is wrong with a file when it first uses that part of it. */
  #using<T>(use: (library: LibraryTokenizer) => T): T {
    try {
      return use(this.#library);
    } catch (cause) {
      throw unusable(this.#file, cause);
    }
  }

  /** Whether a token adds to the decoded text. @internal */
  isVisible(id: number, options: DecodeOptions): boolean {
    if (options.skipSpecialTokens && this.#specialIds.has(id)) return false;
    return this.#library.id_to_token(id) !== undefined;
  }

  /** The bytes of one token; for a tokenizer that is `byteLevel`. @internal */
  bytesOf(id: number): Uint8Array {
    return byteLevelBytes(this.#library.id_to_token(id) ?? '');
  }
}

function unusable(file: string, cause: unknown): SkipscanError {
  const problem = shorten((cause as Error).message, 300);
  return badCheckpoint(file, `cannot be used as a tokenizer: ${problem}.`, { cause });
}

function largestId(vocab: TokenizerDefinition['model']['vocab'], added: { id: number }[]): number {
  let largest = -1;
  for (const id of Array.isArray(vocab) ? vocab.keys() : Object.values(vocab))
    largest = Math.max(largest, id);
  for (const { id } of added) largest = Math.max(largest, id);
  return largest;
}

/** @internal */
export function checkedId(id: number): number {
  if (!Number.isInteger(id) || id < 0) throw invalidArgument('token id', 'an integer >= 0', id);
  return id;
}
