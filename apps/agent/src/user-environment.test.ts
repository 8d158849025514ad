import { describe, expect, test } from 'vitest'
import type { AgentMetadata } from './protocol.ts'
import { expandPath, expandVariables, isVariable, readAccount, startDirectory, userEnvironment } from './user-environment.ts'

const metadata = (variables: Record<string, string>): AgentMetadata => ({
  apps: [],
  environment_variables: variables,
  startup_script: '',
  directory: '',
  motd_file: '',
})
const account = { username: 'alice', home: '/home/alice', shell: '/bin/zsh' }

describe('the account', () => {
  test.each([
    ['passwd names the shell', { SHELL: '/bin/sh' }, { username: 'bob', homedir: '/home/bob', shell: '/bin/zsh' }, '/bin/zsh'],
    ['nobody may log in', { SHELL: '/bin/sh' }, { username: 'bob', homedir: '/', shell: '/usr/sbin/nologin' }, '/bin/sh'],
    ['there is no passwd entry', {}, undefined, '/bin/bash'],
    ['the shell is not installed', {}, { username: 'bob', homedir: '/', shell: '/bin/gone' }, '/bin/bash'],
  ])('when %s', (_title, environment, passwd, shell) => {
    expect(readAccount(environment, passwd, (path) => path !== '/bin/gone').shell).toBe(shell)
  })

  test('HOME and USER of the agent come before passwd', () => {
    const passwd = { username: 'bob', homedir: '/home/bob', shell: '/bin/sh' }
    expect(readAccount({ HOME: '/data/home', USER: 'alice' }, passwd, () => true)).toMatchObject({ home: '/data/home', username: 'alice' })
    expect(readAccount({}, passwd, () => true)).toMatchObject({ home: '/home/bob', username: 'bob' })
  })
})

describe('the environment of the user', () => {
  test('takes a few names from the agent and no more', () => {
    const own = {
      PATH: '/bin',
      LANG: 'C',
      LC_TIME: 'C',
      TMPDIR: '/t',
      NODE_OPTIONS: 'x',
      BERTH_AGENT_TOKEN: 'secret',
      BERTH_WORKSPACE_NAME: 'dev',
    }
    expect(userEnvironment(own, account, undefined)).toEqual({
      PATH: '/bin',
      HOME: '/home/alice',
      USER: 'alice',
      LOGNAME: 'alice',
      SHELL: '/bin/zsh',
      LANG: 'C',
      LC_TIME: 'C',
      TMPDIR: '/t',
      CODER: 'true',
      BERTH: 'true',
      BERTH_WORKSPACE_NAME: 'dev',
      CODER_WORKSPACE_NAME: 'dev',
    })
  })

  test('takes the variables that give a uid its name together, and LD_PRELOAD for nothing else', () => {
    const names = { LD_PRELOAD: 'libnss_wrapper.so', NSS_WRAPPER_PASSWD: '/passwd', NSS_WRAPPER_GROUP: '/group' }
    expect(userEnvironment(names, account, undefined)).toMatchObject(names)
    expect(userEnvironment({ LD_PRELOAD: 'libjemalloc.so' }, account, undefined)).not.toHaveProperty('LD_PRELOAD')
  })

  test('adds what the template sets, expanded from the base, and never a token or an odd name', () => {
    const result = userEnvironment(
      { PATH: '/bin' },
      account,
      metadata({ PATH: '$HOME/bin:$PATH', A: '${NOPE}x', CODER_AGENT_TOKEN: 's', 'B-C': '1' }),
    )
    expect(result['PATH']).toBe('/home/alice/bin:/bin')
    expect(result['A']).toBe('x')
    expect(Object.keys(result).some((name) => name.includes('TOKEN') || name === 'B-C')).toBe(false)
  })

  test.each([
    ['LC_ALL', 'C', true],
    ['_x1', '', true],
    ['1X', '', false],
    ['A B', '', false],
    ['', '', false],
    ['A', 'zero\0byte', false],
    ['BERTH_AGENT_TOKEN', 'x', false],
  ])('%j = %j can be set: %j', (name, value, expected) => {
    expect(isVariable(name, value)).toBe(expected)
  })
})

test.each([
  ['$A', 'one'],
  ['${A}two', 'onetwo'],
  ['$Atwo', ''],
  ['cost: 5$', 'cost: 5$'],
  ['${unclosed', '${unclosed'],
  ['$A$A', 'oneone'],
])('%s expands to %s', (value, expected) => {
  expect(expandVariables(value, { A: 'one' })).toBe(expected)
})

test.each([
  ['~/.motd', '/home/alice/.motd'],
  ['~bob/.motd', '/home/alice/~bob/.motd'],
  ['$HOME/.motd', '/home/alice/.motd'],
  ['.motd', '/home/alice/.motd'],
  ['/etc/motd', '/etc/motd'],
])('the path %j of a template means %s', (path, expected) => {
  expect(expandPath(path, { HOME: '/home/alice' })).toBe(expected)
})

test.each([
  ['', '/home/alice'],
  ['~', '/home/alice'],
  ['~/code', '/home/alice/code'],
  ['$HOME/code', '/home/alice/code'],
  ['code', '/home/alice/code'],
  ['/srv', '/srv'],
  ['/not/there', '/home/alice'],
])('a workspace with the directory %j starts in %s', (directory, expected) => {
  const there = new Set(['/home/alice', '/home/alice/code', '/srv'])
  expect(startDirectory(directory, { HOME: '/home/alice' }, (path) => there.has(path))).toBe(expected)
})
