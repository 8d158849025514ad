/**
 * A stub server derived from the contract, for tests of programs that use the API.
 * @module
 */
export { startStubServer } from './stub-server.ts'
export type { StreamName, StubScript, StubServer, StubServerOptions } from './stub-server.ts'
export type { OperationName, StubHandler, StubRequest } from './stub-operation.ts'
export type { StubStream } from './stub-stream.ts'
