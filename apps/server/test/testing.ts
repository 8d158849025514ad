/** What other rooms' tests need to have a real server. */
export { eventually } from './eventually.ts'
export {
  build,
  buildEnded,
  createMember,
  createTemplate,
  createVersion,
  createWorkspace,
  importEnded,
  uniqueName,
  type Member,
} from './factories.ts'
export { FakeClock } from './fake-clock.ts'
export { FIRST_USER, startTestServer, testConfig, type TestServer, type TestServerOptions } from './start-test-server.ts'
export { createTestDatabase, type TestDatabase } from './database/create-test-database.ts'
