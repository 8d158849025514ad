import { expect, test } from 'vitest'
import { allRooms, allSources, exists, readText } from './repository.ts'

const rooms = allRooms()
const workspace = readText('pnpm-workspace.yaml')
const catalog = new Set(
  [...(/^catalog:\n((?: {2}.*\n|\n)*)/m.exec(workspace)?.[1] ?? '').matchAll(/^ {2}'?([^':]+)'?:/gm)].map(([, name]) => name),
)
const rootManifest = JSON.parse(readText('package.json')) as { devDependencies: Readonly<Record<string, string>> } // a constant of the repository

const declared = [...rooms.map(({ folder, manifest }) => ({ folder, manifest })), { folder: '.', manifest: rootManifest }].flatMap(
  ({ folder, manifest }) => {
    const groups = manifest as Readonly<Record<string, Readonly<Record<string, string>> | undefined>> // a manifest is a record of records where these keys are concerned
    return ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'].flatMap((kind) =>
      Object.entries(groups[kind] ?? {}).map(([name, version]) => ({ folder, name, version })),
    )
  },
)

test('versions stand in the catalog once, and package.json files point there', () => {
  const wrong = declared.filter(({ name, version }) =>
    name.startsWith('@berth/') ? !version.startsWith('workspace:') : version !== 'catalog:',
  )
  expect(
    wrong.map(
      ({ folder, name, version }) => `${folder}: ${name} is ${version}; write "catalog:" (own packages "workspace:^" or "workspace:*")`,
    ),
  ).toEqual([])
})

test('every catalog entry is used', () => {
  const used = new Set(declared.map(({ name }) => name))
  expect([...catalog].filter((name) => !used.has(name ?? ''))).toEqual([])
  expect(catalog.size).toBeGreaterThan(0)
})

test('every package states its licence, and those with code are modules', () => {
  const withCode = new Set(allSources().map(({ path }) => path.split('/').slice(0, 2).join('/')))
  const wrong = rooms.filter(
    ({ folder, manifest }) => manifest.license !== 'Apache-2.0' || (withCode.has(folder) && manifest.type !== 'module'),
  )
  expect(wrong.map(({ folder }) => `${folder}/package.json: "license": "Apache-2.0" and "type": "module"`)).toEqual([])
})

const repositoryUrl = 'git+https://github.com/berthdev/berth.git'

test('a published package says what it is, where it comes from, what it ships and which Node it needs, and has a README', () => {
  const wrong = rooms.flatMap(({ folder, manifest }) => {
    if (manifest.private === true) return []
    const { repository } = manifest
    // Loading a program runs it. Of a library, a bundler may leave out what isn't used.
    const sideEffects = manifest.bin !== undefined
    const missing = [
      manifest.description ? '' : 'description',
      (manifest.keywords?.length ?? 0) > 0 ? '' : 'keywords',
      repository?.type === 'git' && repository.url === repositoryUrl && repository.directory === folder
        ? ''
        : `repository: { "type": "git", "url": "${repositoryUrl}", "directory": "${folder}" }`,
      manifest.files?.includes('dist') ? '' : 'files: ["dist"]',
      manifest.sideEffects === sideEffects ? '' : `sideEffects: ${sideEffects}`,
      manifest.engines?.['node'] ? '' : 'engines.node',
      manifest.exports || manifest.bin ? '' : 'exports or bin',
      exists(`${folder}/README.md`) ? '' : 'README.md',
    ].filter(Boolean)
    return missing.map((what) => `${folder} lacks ${what}`)
  })
  expect(wrong).toEqual([])
})

test('what a published package ships exists, but for what its build makes', () => {
  const wrong = rooms.flatMap(({ folder, manifest }) =>
    (manifest.files ?? []).filter((path) => !/^!?dist\b/.test(path) && !exists(`${folder}/${path}`)).map((path) => `${folder}/${path}`),
  )
  expect(wrong).toEqual([])
})

test('every declared bin file exists', () => {
  const wrong = rooms.flatMap(({ folder, manifest }) =>
    Object.values(manifest.bin ?? {}).map((path) => `${folder}/${path.replace('./', '')}`),
  )
  expect(wrong.filter((path) => !exists(path))).toEqual([])
})

test('install scripts are refused, one by one', () => {
  const block = /^allowBuilds:\n((?: {2}.*\n)*)/m.exec(workspace)?.[1] ?? ''
  const allowed = [...block.matchAll(/^ {2}'?([^':]+)'?: true/gm)].map(([, name]) => name)
  expect(allowed).toEqual([])
})
