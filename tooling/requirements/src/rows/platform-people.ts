import { rows } from '../row.ts'

/** Sign-in, users, keys, roles and organizations. */
export const platformPeople = [
  ...rows(
    { section: 'platform §9.1: first user' },
    {
      'first-user:empty-body': 'An empty first user is 400.',
      'first-user:second': 'A first user where there is one is 409.',
      'first-user:created': 'A valid first user is 201 with usable ids, and is Owner.',
      'first-user:status': 'GET /users/first is 404 before the first user exists and 200 after.',
    },
  ),
  ...rows(
    { section: 'platform §9.1: login' },
    {
      'login:wrong': 'A login without users, and one with a wrong password, is 401.',
      'login:right': 'A correct password signs in, with the e-mail address in any case.',
      'logout:cookies': 'Logout ends the session of apps whose cookie came along, and clears that cookie and one of older clients.',
      logout: 'Logout is 200, clears the cookie, and the old token is 401 afterwards.',
    },
  ),
  ...rows(
    { section: 'platform §9.1: get user' },
    {
      'users:roles-oneself': 'Roles of oneself are 400 before access and body are looked at.',
      'users:profile-deleted': 'A deleted user cannot take the name of a living one.',
      'users:get': 'A user is the same by me, by UUID and by name, and lists its organization.',
    },
  ),
  ...rows(
    { section: 'platform §9.1: first user' },
    {
      'first-user:auto-import-failed': 'A template that cannot be imported automatically makes the answer a 500; the first user exists.',
      'first-user:auto-import-kubernetes':
        'The kubernetes template that is imported automatically has exactly its two parameters in both scopes.',
    },
  ),
  ...rows(
    { section: 'platform §9.1' },
    {
      'first-user:trial': 'A trial may be asked for, and there is nothing to try: everything is free.',
      'first-user:last-seen': 'A user who only logged in has never been seen.',
      'login:suspended': 'A suspended user is 401 in an existing session and at a new login.',
      'login:lifetimes': 'A login key lives a day, a token 30 days.',
      'users:delete': 'A deleted user can be created and deleted again.',
      'users:delete-by-member': 'A member who deletes another user gets 403.',
      'users:delete-with-workspace': 'A user who owns a workspace is not deleted: 417.',
      'users:create': 'Creating users checks conflict, organization and permission in that order, and audits once.',
      'users:profile': 'A rename to a taken name is 409, to a free one it shows and is audited once.',
      'users:password-by-other': "A member cannot set another's password; an owner can.",
      'users:password-own': 'A member needs the old password, an owner does not.',
      'users:password-ends-sessions': 'A changed password ends the sessions and keys of the user.',
      'users:password-same': 'A new password equal to the old one is 400.',
      'users:roles-site': 'Site roles refuse an organization role, an unknown user, oneself, and a caller who may not.',
      'users:roles-organization': 'Organization roles refuse a site role, oneself and a foreign admin, and are set exactly.',
      'users:roles-first': 'The first user has exactly the roles owner and member of the organization.',
      'users:suspend': 'A member is suspended and audited; another owner and oneself are not.',
      'users:filter': 'Users are filtered by status, role and search text in any case.',
      'users:filter-query': 'Search text, status, role and the raw query are joined into one.',
      'users:list': 'Users are listed with their organizations and a count; paging keeps it.',
      'users:list-active': 'The active filter leaves out a suspended user.',
      'users:paging': 'Pages by cursor and by offset have the same contents in the same order.',
      'users:token': 'A created token is a key.',
      'users:workspaces-of-me': 'Workspaces of owner me are empty at first and only own ones later.',
    },
  ),
  ...rows(
    { section: 'platform §9.2' },
    {
      'users:query-parsing': 'The user query is read as search words, keys and quoted values, with the exact errors.',
    },
  ),
  ...rows(
    { section: 'platform §9.5' },
    {
      'oauth:methods': 'The sign-in methods show what is configured.',
      'oauth:github-refusals': 'GitHub refuses a foreign organization or team, an unverified address, closed sign-ups and a password user.',
      'oauth:github-signup': 'A GitHub sign-up sets a session and takes address, name and picture.',
      'oauth:github-allowed': 'An allowed team in any organization signs in; a pending membership does not.',
      'oauth:oidc': 'OIDC claims decide address, name and picture, and each refusal has its status.',
      'oauth:oidc-second-identity': 'A second identity with the same local part gets a name of its own.',
      'oauth:renewal': 'A session of a sign-in elsewhere is renewed there when its token has run out; where that fails the answer is 401.',
      'oauth:same-browser': 'A sign-in ends in the browser that began it: state, PKCE and nonce belong together.',
      'oauth:redirect': 'After a sign-in a browser goes to a path of this deployment and nowhere else.',
      'oauth:oidc-broken': 'OIDC that is not configured is 428; a missing or bad id_token is 400.',
    },
  ),
  ...rows(
    { section: 'platform §9.6' },
    {
      'tokens:list': 'A token is listed with its id and expiry, and is gone when deleted.',
      'tokens:scope': 'The scope of a token is kept.',
      'tokens:lifetime': 'A lifetime is kept.',
      'tokens:maximum': 'A lifetime above the maximum is refused.',
      'tokens:key': 'A key is created for oneself.',
    },
  ),
  ...rows(
    { section: 'platform §9.7' },
    {
      'roles:member': 'A member may assign nothing and is 403 in a foreign organization.',
      'roles:admins': 'An organization admin may assign in the own organization only, an owner everywhere.',
    },
  ),
  ...rows(
    { section: 'platform §9.8' },
    {
      'organizations:of-user': 'The first user is in exactly one organization.',
    },
  ),
  ...rows(
    { section: 'platform §9.8' },
    {
      'organizations:get': 'An organization is read by id and by name; an unknown or foreign one is 404.',
      'organizations:create': 'An existing name is 409, a new one is created.',
    },
  ),
  ...rows(
    { section: 'platform §2, §3' },
    {
      'people:access': 'Every endpoint about people lets in whom the matrix of roles names, the user concerned included, and nobody else.',
      'users:delete-twice': 'Deleting a deleted user changes nothing and is recorded once.',
      'users:rename-shown': 'A new name shows on the workspaces of the user at once, and their watchers hear of it.',
      'users:status-by-member': 'Suspending and activating are 404 for a member.',
      'users:roles-set': 'Site roles are set exactly, once each, and work from the next request on.',
      'users:roles-visible': 'Roles of others are 404 for a member; memberships that the reader may not see are left out.',
      'organizations:create-by-member': 'A member creates no organization: 403 before the body is looked at.',
      'authcheck:stored': 'Of something that exists its own owner and organization count, not those of the request.',
      'authcheck:refused': 'A check without a type, with an ID that is none, of a kind without IDs, or one ID too many is 400.',
      'authcheck:scope': 'The scope of the key limits what a check allows.',
      'users:list-index': 'A page of ten thousand users is read by one statement, in the order of an index.',
      'tokens:recorded': 'Making and ending a token is recorded without its secret.',
      'tokens:body': 'A token needs a body, which may be empty.',
    },
  ),
]
