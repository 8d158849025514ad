import type { sessions } from '@berth/schema'
import { Answer } from '../../http/answer.ts'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import { APP_SESSION_COOKIE, OLD_SESSION_COOKIE, SESSION_COOKIE, setCookieText } from '../../http/cookies.ts'
import type { Handlers } from '../../http/serve.ts'
import { isToken } from '../../http/session-token.ts'
import { presentKey } from './present.ts'
import type { SessionService } from './service.ts'

export function sessionRoutes<Agent>(
  service: SessionService,
  settings: {
    readonly secureAuthCookie: boolean
    /** The host name of the access URL. */
    readonly accessHost: string
    readonly isConfigured: (loginType: 'github' | 'oidc') => boolean
  },
): Handlers<typeof sessions, FoundByPath, Agent> {
  return {
    login: async ({ body, origin }) => {
      const session_token = await service.login(body, origin)
      return new Answer({ session_token }, { cookies: [setCookieText(SESSION_COOKIE, session_token, settings.secureAuthCookie)] })
    },
    logout: async ({ actor, origin, readCookie }) => {
      await service.logout(actor)
      const appToken = readCookie(APP_SESSION_COOKIE)
      if (appToken) await service.endSession(appToken, origin)
      const cookies = [
        `${SESSION_COOKIE}=; Path=/; Max-Age=0`,
        ...(appToken ? [`${APP_SESSION_COOKIE}=; Domain=.${settings.accessHost}; Path=/; Max-Age=0`] : []),
        ...(isToken(readCookie(OLD_SESSION_COOKIE)) ? [`${OLD_SESSION_COOKIE}=; Path=/; Max-Age=0`] : []),
      ]
      return new Answer({ message: 'Logged out!' }, { cookies })
    },
    authMethods: async () => ({ password: true, github: settings.isConfigured('github'), oidc: settings.isConfigured('oidc') }),
    createKey: async ({ actor, user }) => ({ key: await service.createKey(actor, user) }),
    createToken: async ({ actor, user, body }) => ({ key: await service.createToken(actor, user, body) }),
    listTokens: async ({ user }) => (await service.listTokens(user)).map(presentKey),
    getKey: async ({ user, params }) => presentKey(await service.getKey(user, params.keyid)),
    deleteKey: async ({ actor, user, params }) => await service.deleteKey(actor, user, params.keyid),
  }
}
