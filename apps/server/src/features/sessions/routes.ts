import type { sessions } from '@berth/schema'
import { Answer } from '../../http/answer.ts'
import type { FoundByPath } from '../../found.ts'
import type { Handlers } from '../../http/serve.ts'
import { SESSION_COOKIE } from '../../http/session-token.ts'
import { presentKey } from './present.ts'
import type { SessionService } from './service.ts'

export function sessionRoutes<Agent>(
  service: SessionService,
  settings: { readonly secureAuthCookie: boolean; readonly isConfigured: (loginType: 'github' | 'oidc') => boolean },
): Handlers<typeof sessions, FoundByPath, Agent> {
  const secure = settings.secureAuthCookie ? '; Secure' : ''
  return {
    login: async ({ body, origin }) => {
      const session_token = await service.login(body, origin)
      return new Answer({ session_token }, { cookies: [`${SESSION_COOKIE}=${session_token}; Path=/; HttpOnly; SameSite=Lax${secure}`] })
    },
    logout: async ({ actor }) => {
      await service.logout(actor)
      return new Answer({ message: 'Logged out!' }, { cookies: [`${SESSION_COOKIE}=; Path=/; Max-Age=0`] })
    },
    authMethods: async () => ({ password: true, github: settings.isConfigured('github'), oidc: settings.isConfigured('oidc') }),
    createKey: async ({ actor, user }) => ({ key: await service.createKey(actor, user) }),
    createToken: async ({ actor, user, body }) => ({ key: await service.createToken(actor, user, body) }),
    listTokens: async ({ user }) => (await service.listTokens(user)).map(presentKey),
    getKey: async ({ user, params }) => presentKey(await service.getKey(user, params.keyid)),
    deleteKey: async ({ actor, user, params }) => await service.deleteKey(actor, user, params.keyid),
  }
}
