const mebibyte = 1024 * 1024

/** How much of one stream may be in flight before its writer has to wait, in bytes. */
export const streamWindowBytes = 4 * mebibyte
/** The same for all streams of a tunnel together. */
export const connectionWindowBytes = 4 * streamWindowBytes
/** Largest HTTP/2 frame that an end accepts, in bytes. */
export const maxFrameBytes = 64 * 1024
/** How much each end buffers above HTTP/2, for a stream, and below it, for the socket, in bytes. */
export const bufferBytes = 256 * 1024
/**
 * Largest WebSocket message that an end accepts, in bytes. Well-behaved peers stay far below it.
 */
export const maxMessageBytes = 4 * mebibyte
