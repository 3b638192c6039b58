import type { Tensor } from '../tensor';

/** What an operator returns whose only output is rows. */
export type RowsResult = {
  /** The rows; the operator says which shape and dtype. */
  y: Tensor;
};
