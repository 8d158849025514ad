/**
 * The longest line of JSON between server and agent, in bytes: room for a command with its input,
 * and for a long folder.
 */
export const maxCallLineBytes = 24 * 1024 * 1024
