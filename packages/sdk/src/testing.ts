/**
 * For tests of programs that use the API: a server made of the contract.
 * @module
 */
export { startStubServer } from './stub-server.ts'
export type { StreamName, StubScript, StubServer, StubServerOptions } from './stub-server.ts'
export type { OperationName, StubHandler, StubRequest } from './stub-operation.ts'
export type { StubStream } from './stub-stream.ts'
