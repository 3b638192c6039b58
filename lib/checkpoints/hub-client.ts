import type { ReadableStream } from 'node:stream/web';
import { badCheckpoint, describe, SkipscanError } from '../errors';
import { isCount } from './dtypes';
import { bytes, summarizeNames } from './files';
import { isCommit, type RemoteFile } from './hub-cache';
import { isPlainFileName } from './sharded';
import type { FileSelection } from './types';

/** The server could not be reached at all, so a copy in the cache is as good as it gets. */
export class HubUnreachable extends SkipscanError {}

/** A repository has a few dozen files; a listing that goes on and on is not one. */
const maxListed = 100_000;
const maxPages = 2_000;

/** A page of a listing has some hundred kilobytes; what the server says of a failure is a sentence. */
const maxAnswerBytes = 32 << 20;
const maxMessageBytes = 64 << 10;

/** One model or data set on the hub server. Every failure is a SkipscanError that says what to do, or the signal's reason. */
export class HubClient {
  readonly #endpoint: string;
  readonly #token = process.env.HF_TOKEN?.trim();
  readonly #fetch: typeof fetch;
  readonly #signal?: AbortSignal;
  readonly #type: 'model' | 'dataset';
  #asked = 0;

  /**
   * @param revision branch, tag or commit.
   * @param kind what the user means to open, for errors.
   * @param endpoint URL of the server.
   */
  constructor(
    private readonly id: string,
    private readonly revision: string,
    private readonly kind: FileSelection['kind'] | 'data set',
    endpoint: string,
    signal?: AbortSignal,
  ) {
    this.#endpoint = endpoint.replace(/\/+$/, '');
    this.#type = kind === 'data set' ? 'dataset' : 'model';
    if (!/^https?:/.test(endpoint) || !URL.canParse(endpoint)) {
      throw new SkipscanError(
        'ERR_ARGUMENT',
        `Expected an http(s) URL in the environment variable HF_ENDPOINT but found ${describe(endpoint)}.`,
      );
    }
    this.#fetch = (url, init) => this.#ask(url, { ...init, signal });
    this.#signal = signal;
  }

  /** The commit that the revision stands for now. */
  async commit(): Promise<string> {
    const { datasetInfo, modelInfo } = await import('@huggingface/hub');
    const asked = { name: this.id, revision: this.revision, ...this.#connection() };
    const { sha } =
      this.#type === 'dataset'
        ? await datasetInfo({ ...asked, additionalFields: ['sha'] })
        : await modelInfo({ ...asked, additionalFields: ['sha'] });
    if (typeof sha !== 'string' || !isCommit(sha)) throw this.#bad(`named ${describe(sha)} as a commit`);
    return sha;
  }

  /** The files in the top folder of the repository, those of a data set in all its folders too, by name. */
  async files(commit: string): Promise<Map<string, RemoteFile>> {
    const { listFiles } = await import('@huggingface/hub');
    const files = new Map<string, RemoteFile>();
    const repo = { type: this.#type, name: this.id };
    let listed = 0;
    for await (const { type, path, size, oid, lfs } of listFiles({
      repo,
      recursive: this.#type === 'dataset',
      revision: commit,
      ...this.#connection(),
    })) {
      if (++listed > maxListed) throw this.#bad(`listed more than ${maxListed} files`);
      if (type !== 'file') continue;
      const file = { name: path, size: lfs?.size ?? size, objectId: lfs?.oid ?? oid ?? '' };
      // Names and ids become paths in the cache.
      const isObjectId = lfs ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/;
      if (!this.#isInside(path) || !isObjectId.test(file.objectId) || !isCount(file.size)) {
        throw this.#bad(
          `listed a file ${describe(path)} of ${describe(file.size)} bytes as object ${describe(file.objectId)}`,
        );
      }
      files.set(path, file);
    }
    return files;
  }

  /** The error for a repository that lacks files. */
  incomplete(lacking: string, names: Iterable<string>): Error {
    return badCheckpoint(
      this.id,
      `the repository has ${lacking}. Its files: ${summarizeNames(names) || 'none'}.`,
    );
  }

  /** Starts the download of one file. */
  async open(commit: string, name: string): Promise<AsyncIterable<Uint8Array>> {
    const path = name.split('/').map(encodeURIComponent).join('/');
    const url = `${this.#page()}/resolve/${commit}/${path}`;
    const { body } = await this.#request(url, { signal: this.#signal });
    // Node's stream can be iterated; the types of fetch, shared with browsers, do not say so.
    return body as ReadableStream<Uint8Array>;
  }

  /** A name that cannot lead out of the repository's folder. */
  #isInside(name: string): boolean {
    return this.#type === 'dataset' ? name.split('/').every(isPlainFileName) : isPlainFileName(name);
  }

  #page(): string {
    return `${this.#endpoint}/${this.#type === 'dataset' ? 'datasets/' : ''}${this.id}`;
  }

  #connection() {
    return { hubUrl: this.#endpoint, fetch: this.#fetch };
  }

  /** Asks the server something whose answer is short: how long it may be is bounded before it is read. */
  async #ask(url: string | URL | Request, init: RequestInit): Promise<Response> {
    if (++this.#asked > maxPages) throw this.#bad(`sent a listing of more than ${maxPages} pages`);
    const response = await this.#request(url, init);
    const answer = await readAtMost(response, maxAnswerBytes);
    if (!answer) throw this.#bad(`sent an answer of more than ${bytes(maxAnswerBytes)}`);
    return new Response(answer, { headers: response.headers });
  }

  async #request(url: string | URL | Request, init: RequestInit): Promise<Response> {
    // A listing may point anywhere for its next page, also at what only this machine can reach.
    if (new URL(String(url)).origin !== new URL(this.#endpoint).origin) {
      throw this.#bad(`said that its listing goes on at ${describe(String(url))}`);
    }
    const headers = new Headers(init.headers);
    // Where the server sends a request on to another, fetch leaves this out.
    if (this.#token) headers.set('Authorization', `Bearer ${this.#token}`);
    let response: Response;
    try {
      response = await fetch(url, { ...init, headers });
    } catch (cause) {
      init.signal?.throwIfAborted();
      throw this.#unreachable(cause);
    }
    if (!response.ok) throw this.#refused(response.status, await serverMessage(response));
    return response;
  }

  #unreachable(cause: unknown): Error {
    const { message, cause: reason } = cause as Error & { cause?: NodeJS.ErrnoException };
    return new HubUnreachable(
      'ERR_CHECKPOINT',
      `${this.id}: ${this.#endpoint} cannot be reached (${reason?.code ?? reason?.message ?? message}). Check the` +
        ` network, set HF_ENDPOINT to a mirror, or pass the directory of a ${this.kind} instead of a hub id.`,
      { cause },
    );
  }

  #refused(status: number, message: string): Error {
    const said = `(status ${status}${message && `: ${message}`})`;
    if (status === 404) {
      return badCheckpoint(
        this.id,
        `${this.#endpoint} has no such ${this.#noun()}, or no revision ${describe(this.revision)} of it ${said}. Check the` +
          ` spelling; for a ${this.kind} on disk, pass its directory as ./${this.id}.`,
      );
    }
    if (status === 401 || status === 403) {
      const token = this.#token ? 'HF_TOKEN is set, but does not grant access' : 'HF_TOKEN is not set';
      return badCheckpoint(
        this.id,
        `access was refused ${said}; ${token}. If the ${this.#noun()} is gated, accept its conditions at` +
          ` ${this.#page()}; if it is private, set HF_TOKEN to a token that may read it; otherwise check` +
          ` the spelling, as unknown ${this.#noun()}s are refused the same way. A ${this.kind} on disk is passed as ./${this.id}.`,
      );
    }
    const advice = status === 429 ? 'Wait a while, or set HF_TOKEN for a higher limit.' : 'Try again later.';
    return badCheckpoint(this.id, `${this.#endpoint} did not serve it ${said}. ${advice}`);
  }

  #noun(): string {
    return this.#type === 'dataset' ? 'data set' : 'model';
  }

  #bad(what: string): Error {
    return badCheckpoint(
      this.id,
      `${this.#endpoint} ${what}, which a hub server never does. Check HF_ENDPOINT.`,
    );
  }
}

/** What the server says about a failure; nothing when that is a page rather than a sentence. */
async function serverMessage(response: Response): Promise<string> {
  const body = async () => (await readAtMost(response, maxMessageBytes).catch(() => undefined)) ?? '';
  const text = response.headers.get('X-Error-Message') ?? Buffer.from(await body()).toString();
  const found = /^\s*\{\s*"error"\s*:\s*"([^"\\]*)"/.exec(text)?.[1] ?? text;
  // Control characters would reach the user's terminal as commands.
  const sentence = found.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return sentence.length > 200 || sentence.startsWith('<') ? '' : sentence;
}

/** The body of an answer; undefined where it is longer than `limit`, of which no more is read. */
async function readAtMost({ body }: Response, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the stream.
  for await (const piece of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += piece.length;
    if (size > limit) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
