/** Where one tensor's bytes lie: little-endian, row-major, contiguous. Offsets need not be aligned to the element. */
export type TensorEntry = {
  /** Path of the file that holds the bytes. */
  file: string;
  /** First byte, counted from the start of the file. */
  offset: number;
  /** The product of `shape` times the size of one element. */
  byteLength: number;
  /** Element type in lower case, such as `f32`, `bf16` or `i64`: a key of `elementBytes`. */
  dtype: string;
  shape: number[];
};

/** What tells one state of a file from another: times are to the nanosecond, as far as the file system's clock goes. */
export type FileState = { file: string; size: bigint; modified: bigint; inode: bigint };

/** Every tensor of a checkpoint by name. Tied tensors are two names on one range of bytes. */
export type Manifest = {
  format: 'safetensors' | 'torch';
  tensors: Map<string, TensorEntry>;
  /** The files that hold them, as they were before their headers were read: shows whether they were changed since. */
  files: readonly FileState[];
};

/** A checkpoint whose headers were read and checked; the weights themselves stay on disk. */
export type Checkpoint = {
  directory: string;
  /** The parsed `config.json`; may hold `Infinity` and `NaN`, which published files write bare. */
  config: Record<string, unknown>;
  configFile: string;
  manifest: Manifest;
  tokenizerFile?: string;
  tokenizerConfigFile?: string;
  /** The parsed `generation_config.json`, when there is one. */
  generationConfig?: Record<string, unknown>;
};

/** The same for a vision model, which needs nothing but its weights. */
export type VisionCheckpoint = Pick<Checkpoint, 'directory' | 'manifest'> & {
  /** The weights, or the index of their shards. */
  weightsFile: string;
  config?: Checkpoint['config'];
  configFile?: string;
  /** labels.txt or labels.json beside the weights. */
  labelsFile?: string;
};

/** The files of a repository that are used together: what is downloaded of it, and looked for in the cache. */
export type FileSelection = {
  /** What they make up. */
  kind: 'checkpoint' | 'tokenizer';
  /** Names of which the first that is there is used. An index of shards brings the shards too. */
  main: readonly string[];
  /** Where none of them is there: the only file with one of these endings, the first list that any file fits. */
  mainEndings?: readonly (readonly string[])[];
  /** Completes the error "the repository has ..." when there is none, from the names of what is there. */
  mainLacking(names: readonly string[]): string;
  /** Other files that must be there. */
  required: readonly string[];
  optional: readonly string[];
};

/** The files of a tokenizer, not yet read. */
export type TokenizerFiles = {
  tokenizerFile: string;
  tokenizerConfigFile?: string;
};

export type OpenOptions = {
  /** Where downloads are kept. Defaults to the Hugging Face cache (`HF_HUB_CACHE`, `HF_HOME`, `~/.cache/huggingface/hub`). */
  cacheDir?: string;
  /** Branch, tag or commit of a hub repository. Defaults to `main`. */
  revision?: string;
  /** Called while files are downloaded, with bytes over all files needed; never called when nothing is missing. */
  onProgress?(done: number, total: number): void;
  /** Stops the download; the call rejects with `signal.reason`. */
  signal?: AbortSignal;
  /** Never touch the network. Defaults to the environment variable `HF_HUB_OFFLINE`. */
  offline?: boolean;
};
