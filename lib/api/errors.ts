/**
 * What goes wrong. Every rejection is a `SkipscanError` whose message says what was found, what was expected and what to do, except
 * that an aborted call rejects with its signal's reason.
 *
 * @module errors
 */
export { type ErrorCode, SkipscanError } from '../errors';
