import { expect, test } from 'vitest'
import { createArchive } from '../../archive/create-archive.ts'
import { starterTemplates } from './starter-templates.ts'

test('every starter template is valid, can be packed, and describes itself', async () => {
  const templates = await starterTemplates()
  expect(templates.map(({ id }) => id)).toEqual(['kubernetes', 'local-starter'])
  for (const { id, name, description, tags, readme, files, directory } of templates) {
    expect(name).toBe(id)
    expect(description).not.toBe('')
    expect(tags).not.toEqual([])
    expect(readme).toMatch(new RegExp(`^# ${id}\n`))
    expect(files.map(({ path }) => path)).toEqual(['README.md', 'template.yaml'])
    expect((await createArchive(directory)).length).toBeGreaterThan(0)
  }
})
