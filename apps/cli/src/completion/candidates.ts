/** Names the shell can offer for a word. */
export type Completion = 'workspaces' | 'templates' | 'folders' | 'commands'

/**
 * What can stand in place of a word: known words, and a kind of names that the deployment knows.
 */
export interface Candidates {
  readonly words: readonly string[]
  readonly names?: Completion
}
