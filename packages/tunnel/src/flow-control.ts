const mebibyte = 1024 * 1024

/** How much of one stream may be in flight before its writer has to wait, in bytes, at first. */
export const startStreamWindowBytes = 64 * 1024
/** The same once bytes flow and few streams are open. */
export const maxStreamWindowBytes = 4 * mebibyte
/** The same when a tunnel has many streams, or streams that nobody reads. */
export const minStreamWindowBytes = 16 * 1024
/** What the windows of a tunnel's streams and their unread bytes should add up to, in bytes. */
export const connectionWindowBytes = 4 * maxStreamWindowBytes
/**
 * How much the streams of a tunnel may hold before those that hold the most end, in bytes. A peer
 * that keeps to the windows stays below: each of 1 000 stalled streams holds the smallest window
 * and a buffer for each direction.
 */
export const maxHeldBytes = 3 * connectionWindowBytes
/** Largest HTTP/2 frame that an end accepts, in bytes. */
export const maxFrameBytes = 64 * 1024
/** How much each end buffers below HTTP/2, for the socket, in bytes. */
export const bufferBytes = 256 * 1024
/** How much each end buffers above HTTP/2, for each direction of a stream, in bytes. */
export const streamBufferBytes = 16 * 1024
/**
 * Largest WebSocket message that an end accepts, in bytes. Well-behaved peers stay far below it.
 */
export const maxMessageBytes = 4 * mebibyte
