/**
 * One sequence that is read in pieces: prefilled, stepped token by token, cloned, saved, restored.
 *
 * @module sessions
 */
export type { LayerState, Session } from '../models/session';
