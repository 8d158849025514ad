import { expectTypeOf } from 'vitest'
import type { OrganizationRow, TemplateRow, UserRow } from '../database/rows.ts'
import type { FoundBefore } from './found-by-path.ts'

// A finder gets the rows that every path with its parameter has found before it.
expectTypeOf<FoundBefore<'templatename'>['organization']>().toEqualTypeOf<OrganizationRow>()
expectTypeOf<FoundBefore<'groupname'>['organization']>().toEqualTypeOf<OrganizationRow>()
expectTypeOf<FoundBefore<'workspacename'>['user']>().toEqualTypeOf<UserRow>()
expectTypeOf<FoundBefore<'scoped'>['scope']>().toEqualTypeOf<'template' | 'import_job' | 'workspace'>()

// Rows that only some of the paths have may be absent.
expectTypeOf<FoundBefore<'user'>['organization']>().toEqualTypeOf<OrganizationRow | undefined>()
expectTypeOf<FoundBefore<'templateversionname'>['template']>().toEqualTypeOf<TemplateRow | undefined>()

// No finder can ask for a row that none of the paths has.
expectTypeOf<FoundBefore<'templatename'>>().not.toHaveProperty('user')
expectTypeOf<FoundBefore<'workspacename'>>().not.toHaveProperty('workspace')
expectTypeOf<FoundBefore<'user'>>().not.toHaveProperty('workspace')
