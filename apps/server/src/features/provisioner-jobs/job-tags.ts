/** Missing and unknown scopes become `organization`; a job for one user's daemons names the user (Coder v2 API, v0.13.4). */
export function jobTags(tags: Readonly<Record<string, string>>, ownerId: string): Record<string, string> {
  return tags['scope'] === 'user' ? { ...tags, owner: ownerId } : { ...tags, scope: 'organization' }
}
