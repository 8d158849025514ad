/** Characters of a path. Systems take fewer bytes. */
export const maxPathLength = 4_096
/** How many entries of a folder one answer has. */
export const listedFiles = { default: 1_000, max: 10_000 } as const
/** How many changes an event of a watch lists before it says only that there were more. */
export const maxWatchedChanges = 1_000
/** How many watches of one agent may be open. */
export const maxFileWatches = 50
/** How many requests for files one agent answers at once. */
export const maxFileRequests = 100
