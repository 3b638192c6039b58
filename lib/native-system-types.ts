// The part of the addon's surface that is not computation: the machine, the build and memory of devices.

// ---- the machine and the build

export type NativeSystem = {
  /**
   * The CPU backends that this machine can run, best first, and the one in use: the best, or what the environment variable
   * `SKIPSCAN_CPU` names. Throws when it names one that is not there.
   */
  cpuBackends(): { available: string[]; chosen: string };
  buildInfo(): NativeBuildInfo;
  /**
   * What so many threads do at most with the kernels in use, each a second: float32 operations of multiply-adds, bytes read from
   * memory, exponentials. Takes some 0.3 seconds and meanwhile 256 MB.
   */
  measureLimits(threads: number): Promise<NativeLimits>;
  /** The CUDA devices that can be used, in the order of their numbers. Never throws. */
  cudaStatus(): NativeCudaStatus;
};

export type NativeLimits = { flops: number; bytes: number; exponentials: number };

export type NativeBuildInfo = {
  /** Of the package that the addon was built from. */
  version: string;
  /** Name and version, such as `gcc 12.2.0`. */
  compiler?: string;
  architecture: 'x64' | 'arm64' | 'other';
  /** Version of the C library that the addon was built with; absent with another C library. */
  glibc?: string;
  cuda: boolean;
};

export type NativeCudaStatus = {
  devices: NativeCudaDevice[];
  /** The newest CUDA version that the driver knows, such as `13.0`; absent without a driver. */
  driver?: string;
  /** The CUDA version that this build was made with; absent in a build without CUDA. */
  runtime?: string;
  /** Why there are no devices: a clause that ends with a full stop, such as `this build has no CUDA backend.` */
  reason?: string;
};

export type NativeCudaDevice = {
  name: string;
  /** Bytes in all. */
  memory: number;
  /** Compute capability, such as `9.0`. */
  capability: string;
  multiprocessors: number;
};

// ---- memory of a device

export type NativeMemory = {
  /** Zeros. Throws `ERR_OUT_OF_MEMORY`, or `ERR_DEVICE` for a device that is not there or does not work any more. */
  DeviceArray: new (
    device: string,
    dtype: NativeDtype,
    length: number,
  ) => NativeDeviceArray;
};

export type NativeDtype = 'f32' | 'bf16' | 'f16' | 'i32';

/** An array in the memory of a CUDA device. On the host its elements are a typed array as long, of the same dtype. */
export type NativeDeviceArray = {
  readonly device: string;
  readonly dtype: NativeDtype;
  readonly length: number;
  /** Replaces all elements before it returns. */
  write(data: NativeHostArray): void;
  /** Fills `data`, after all operators that were started before. */
  read(data: NativeHostArray): Promise<void>;
  /** Gives the memory back as soon as no operator that was started needs it. */
  dispose(): void;
};

/** Values of f32 and i32, bits of bf16 and f16. */
export type NativeHostArray = Float32Array | Uint16Array | Int32Array;
