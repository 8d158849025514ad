import { verifies } from '@berth/requirements'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppHostnameError, appHostLabel, parseAppHostname } from './app-hostname.ts'

describe('the label of an app', () => {
  it.each([
    ['app--agent--workspace--user', { app: 'app', agent: 'agent', workspace: 'workspace', user: 'user' }],
    ['8080--agent--workspace--user', { app: 8080, agent: 'agent', workspace: 'workspace', user: 'user' }],
    ['1--a--w--u', { app: 1, agent: 'a', workspace: 'w', user: 'u' }],
    ['65535--a--w--u', { app: 65_535, agent: 'a', workspace: 'w', user: 'u' }],
    ['my-app-1--main-agent--work-space--u-s-er', { app: 'my-app-1', agent: 'main-agent', workspace: 'work-space', user: 'u-s-er' }],
    ['0--a--w--u', { app: '0', agent: 'a', workspace: 'w', user: 'u' }],
    ['65536--a--w--u', { app: '65536', agent: 'a', workspace: 'w', user: 'u' }],
    ['8080-x--1--2--3', { app: '8080-x', agent: '1', workspace: '2', user: '3' }],
  ])('%s is read', (text, expected) => {
    verifies('apps:hostname')
    expect(parseAppHostname(text)).toEqual(expected)
  })

  it.each([
    '',
    'app',
    'workspace--app',
    'workspace.agent--app',
    'app--workspace--user',
    'app--agent--workspace--user--more',
    '--agent--workspace--user',
    'app--agent--workspace--',
    'app--agent---workspace--user',
    'app--agent--work_space--user',
    'app--agent--workspace--user.',
    'app--agent--workspace--user\n',
  ])('%j names no app', (text) => {
    verifies('apps:hostname')
    expect(() => parseAppHostname(text)).toThrow(AppHostnameError)
    expect(() => parseAppHostname(text)).toThrow('invalid application url format')
  })

  it('reads any four names back', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,4}(?:-[a-z0-9]{1,4}){0,2}$/)
    fc.assert(
      fc.property(fc.oneof(name, fc.integer({ min: 1, max: 65_535 })), name, name, name, (app, agent, workspace, user) => {
        expect(parseAppHostname([app, agent, workspace, user].join('--'))).toEqual({ app, agent, workspace, user })
      }),
    )
  })
})

describe('the host of an app', () => {
  it.each([
    ['*.apps.example.com', 'x.apps.example.com', 'x'],
    ['*.apps.example.com', 'x.apps.example.com:8443', 'x'],
    ['*.apps.example.com', ' x.apps.example.com.:80 ', 'x'],
    ['*.Apps.Example.com', 'X.apps.example.com', 'X'],
    ['*-apps.example.com', 'a--b-apps.example.com', 'a--b'],
    ['pre-*.example.com', 'pre-x.example.com', 'x'],
    ['*.apps.example.com', '.apps.example.com', ''],
  ])('%s matches %s', (pattern, host, label) => expect(appHostLabel(pattern, host)).toBe(label))

  it.each([
    ['*.apps.example.com', 'apps.example.com'],
    ['*.apps.example.com', 'x.y.apps.example.com'],
    ['*.apps.example.com', 'x.apps.example.com.evil.com'],
    ['*.apps.example.com', 'x.appsXexample.com'],
    ['*.apps.example.com', 'x.APPS.example.com'],
    ['*.apps.example.com', ''],
    ['pre-*-apps.example.com', 'pre-apps.example.com'],
  ])('%s does not match %j', (pattern, host) => expect(appHostLabel(pattern, host)).toBeUndefined())
})
