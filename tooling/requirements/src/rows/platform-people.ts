import { rows } from '../row.ts'

/** Sign-in, users, keys, roles and organizations. */
export const platformPeople = [
  ...rows(
    { section: 'platform §9.1: first user' },
    {
      'first-user:empty-body': 'An empty first user is 400.',
      'first-user:second': 'Creating another first user is 409.',
      'first-user:created': 'A valid first user is 201 with usable IDs, and is an owner.',
      'first-user:status': 'GET /users/first is 404 before the first user exists and 200 afterwards.',
    },
  ),
  ...rows(
    { section: 'platform §9.1: login' },
    {
      'login:wrong': 'Login is 401 before any user exists, and with a wrong password.',
      'login:right': 'A correct password signs in, with the e-mail address in any case.',
      'logout:cookies': 'Logout also ends the app session whose cookie is sent, and clears that cookie and the one of older clients.',
      logout: 'Logout is 200 and clears the cookie. The old token is 401 afterwards.',
    },
  ),
  ...rows(
    { section: 'platform §9.1: get user' },
    {
      'users:roles-oneself': 'Changing your own roles is 400, before access and body are checked.',
      'users:profile-deleted': 'A deleted user cannot take the name of an existing one.',
      'users:get': 'A user is the same by `me`, by UUID and by name, and lists their organization.',
    },
  ),
  ...rows(
    { section: 'platform §9.1: first user' },
    {
      'first-user:auto-import-failed': 'If the automatic import of a template fails, the answer is 500, but the first user exists.',
      'first-user:auto-import-kubernetes': 'The automatically imported kubernetes template has exactly its two parameters in both scopes.',
    },
  ),
  ...rows(
    { section: 'platform §9.1' },
    {
      'first-user:trial': 'A request may ask for a trial, which has no effect: everything is free.',
      'first-user:last-seen': 'A user who has only logged in has never been seen.',
      'login:suspended': 'A suspended user is 401 in an existing session and at a new login.',
      'login:lifetimes': 'A login key is valid for a day, a token for 30 days.',
      'users:delete': 'A user can be deleted, created again and deleted again.',
      'users:delete-by-member': 'A member who deletes another user gets 403.',
      'users:delete-with-workspace': 'A user who owns a workspace cannot be deleted: 417.',
      'users:create': 'Creating a user checks conflicts, the organization and permission in that order, and adds one audit entry.',
      'users:reserved-names':
        'A new user or a rename cannot take the name `me`, a number or 32 hexadecimal digits: 400. Existing users keep theirs.',
      'users:visible-addresses':
        'The address of a new user has no control, zero-width or other invisible characters: 400. Existing ones work.',
      'users:profile': 'A rename to a taken name is 409. A rename to a free name takes effect and adds one audit entry.',
      'users:password-by-other': "A member cannot set another user's password; an owner can.",
      'users:password-own': 'A member needs the old password to change their own; an owner does not.',
      'users:password-ends-sessions': "A new password ends the user's sessions and keys.",
      'users:password-same': 'A new password equal to the old one is 400.',
      'users:roles-site':
        'Setting site roles refuses an organization role, an unknown user, the caller themselves, and a caller without permission.',
      'users:roles-organization':
        'Setting organization roles refuses a site role, the caller themselves and an admin of another organization. The roles are set exactly.',
      'users:roles-first': 'The first user has exactly two roles: owner, and member of the organization.',
      'users:suspend': 'A member can be suspended, with an audit entry. Another owner, and oneself, cannot.',
      'users:filter': 'Users can be filtered by status, role and search text, in any case.',
      'users:filter-query': 'Search text, status, role and the raw query are joined into one.',
      'users:list': 'Users are listed with their organizations and a count, which paging does not change.',
      'users:list-active': 'The active filter omits suspended users.',
      'users:paging': 'Paging by cursor and by offset returns the same users in the same order.',
      'users:token': 'A created token works as a key.',
      'users:workspaces-of-me': "The list with owner:me is empty at first, and later has only the caller's own workspaces.",
    },
  ),
  ...rows(
    { section: 'platform §9.2' },
    {
      'users:query-parsing': 'The user query consists of search words, keys and quoted values, with the exact errors.',
    },
  ),
  ...rows(
    { section: 'platform §9.5' },
    {
      'oauth:methods': 'The sign-in methods show what is configured.',
      'oauth:github-refusals':
        'GitHub sign-in refuses a wrong organization or team, an unverified address, closed sign-ups and a user with a password.',
      'oauth:github-signup': 'A GitHub sign-up sets a session and takes over the address, name and picture.',
      'oauth:github-allowed': 'A member of an allowed team in any organization signs in; a pending membership does not count.',
      'oauth:oidc': 'OIDC claims determine address, name and picture. Each refusal has its status.',
      'oauth:oidc-second-identity': 'A second identity with the same local part gets a different name.',
      'oauth:renewal': 'When the provider token of a session expires, the server renews it. If that fails, the answer is 401.',
      'oauth:same-browser': 'A sign-in ends in the browser that started it: state, PKCE and nonce must match.',
      'oauth:redirect': 'After a sign-in the browser only goes to a path on this deployment.',
      'oauth:oidc-broken': 'OIDC that is not configured is 428. A missing or invalid id_token is 400.',
    },
  ),
  ...rows(
    { section: 'platform §9.6' },
    {
      'tokens:list': 'A token is listed with its ID and expiry until it is deleted.',
      'tokens:scope': 'A token keeps its scope.',
      'tokens:lifetime': 'A token keeps its lifetime.',
      'tokens:maximum': 'A lifetime above the maximum is refused.',
      'tokens:key': 'Users can create keys for themselves.',
    },
  ),
  ...rows(
    { section: 'platform §9.7' },
    {
      'roles:member': 'A member can assign no role, and gets 403 in another organization.',
      'roles:admins': 'An organization admin can assign roles only in their own organization, an owner everywhere.',
    },
  ),
  ...rows(
    { section: 'platform §9.8' },
    {
      'organizations:of-user': 'The first user belongs to exactly one organization.',
    },
  ),
  ...rows(
    { section: 'platform §9.8' },
    {
      'organizations:get': 'An organization can be read by ID and by name. An unknown or foreign one is 404.',
      'organizations:create': 'An existing name is 409; a new one is created.',
    },
  ),
  ...rows(
    { section: 'platform §2, §3' },
    {
      'people:access': 'Every endpoint about people admits exactly the callers of the role matrix, including the user concerned.',
      'users:delete-twice': 'Deleting a deleted user changes nothing and is audited once.',
      'users:rename-shown': "A new name shows at once on the user's workspaces, and their watchers get it.",
      'users:status-by-member': 'Suspending and activating are 404 for a member.',
      'users:roles-set': 'Site roles are set exactly, without duplicates, and apply from the next request.',
      'users:roles-visible': "Other users' roles are 404 for a member. Memberships that the caller may not see are left out.",
      'organizations:create-by-member': 'A member cannot create an organization: 403 before the body is read.',
      'authcheck:stored': 'For an existing object, its stored owner and organization count, not those of the request.',
      'authcheck:refused': 'A check without a type, with an invalid ID, with an ID for a type that has none, or with too many IDs is 400.',
      'authcheck:scope': "The key's scope limits what a check allows.",
      'users:list-index': 'A page of ten thousand users takes one statement, in the order of an index.',
      'tokens:recorded': 'Creating and deleting a token is audited without its secret.',
      'tokens:body': 'Creating a token needs a body, which may be empty.',
    },
  ),
]
