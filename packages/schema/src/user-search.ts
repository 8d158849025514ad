/** What a list of users is asked for, part by part. */
export interface UserSearch {
  /** Part of a username or an e-mail address. */
  readonly search?: string
  readonly status?: string
  readonly role?: string
  /** More of the search language, as it is. */
  readonly q?: string
}

/** Joins the parts of a search into the one text that the API takes as `q`; empty parts are left out (Coder v2 API, v0.13.4). */
export function userSearchText({ search = '', status = '', role = '', q = '' }: UserSearch): string {
  const words = [search, status && `status:"${status}"`, role && `role:"${role}"`, q]
  return words.filter((word) => word !== '').join(' ')
}
