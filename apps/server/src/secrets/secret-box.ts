import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** The length of an AES-256 key. */
export const KEY_BYTES = 32

const ALGORITHM = 'aes-256-gcm'
/**
 * Starts every sealed value. Older values in clear are JSON or text, which never start with NUL.
 */
const MARK = Buffer.from([0x00, 0x42, 0x53, 0x01])
const KEY_ID_BYTES = 8
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = MARK.length + KEY_ID_BYTES
const OVERHEAD_BYTES = HEADER_BYTES + NONCE_BYTES + TAG_BYTES

/**
 * A secret that can't be read, because another key sealed it, it was changed, or it was moved to
 * another row.
 */
export class SecretError extends Error {
  override readonly name = 'SecretError'
}

/** A key with the start of its hash, so that a sealed value names its key. */
interface NamedKey {
  readonly id: Buffer
  readonly key: Buffer
}

/** A source of keys. It is read again when a value turns up that an unknown key sealed. */
export interface KeySource {
  /** At least one key of {@link KEY_BYTES} bytes. The first one seals. */
  readonly keys: readonly Buffer[]
  /** Reads the current keys. */
  reload(): readonly Buffer[]
}

/**
 * Encrypts stored secrets with AES-256-GCM, so that a copy of the database reveals none.
 *
 * A sealed value is: mark (4 bytes), key ID (8), nonce (12), ciphertext, tag (16). Its place in the
 * database is authenticated, so a value copied elsewhere doesn't open.
 */
export class SecretBox {
  readonly #source: KeySource
  #keys: readonly NamedKey[]

  constructor(source: KeySource) {
    this.#source = source
    this.#keys = source.keys.map(named)
    if (this.#keys.length === 0) throw new RangeError('A secret box needs at least one key')
  }

  /** @param place - Table, column and row, as {@link placeOf} writes them. */
  seal(plain: Buffer, place: string): Buffer {
    const { id, key } = this.#current()
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(ALGORITHM, key, nonce)
    cipher.setAAD(Buffer.from(place))
    const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()])
    return Buffer.concat([MARK, id, nonce, ciphertext, cipher.getAuthTag()])
  }

  sealText(plain: string, place: string): Buffer {
    return this.seal(Buffer.from(plain, 'utf8'), place)
  }

  /**
   * Decrypts a value sealed for a place. Returns older values in clear as they are.
   *
   * @throws SecretError
   */
  open(stored: Buffer, place: string): Buffer {
    if (!isSealed(stored)) return stored
    const id = stored.subarray(MARK.length, HEADER_BYTES)
    const key = this.#find(id)
    if (key === undefined) throw new SecretError(`${place} was sealed with a key that this server doesn't have (key ${id.toString('hex')})`)
    const decipher = createDecipheriv(ALGORITHM, key, stored.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES))
    decipher.setAAD(Buffer.from(place))
    decipher.setAuthTag(stored.subarray(-TAG_BYTES))
    try {
      return Buffer.concat([decipher.update(stored.subarray(HEADER_BYTES + NONCE_BYTES, -TAG_BYTES)), decipher.final()])
    } catch (error) {
      throw new SecretError(`${place} was changed in the database or sealed for another place`, { cause: error })
    }
  }

  openText(stored: Buffer, place: string): string {
    return this.open(stored, place).toString('utf8')
  }

  /** The first bytes of everything sealed with the current key. */
  get currentPrefix(): Buffer {
    return Buffer.concat([MARK, this.#current().id])
  }

  /** Reads the keys again, for example after another process has rotated them. */
  reload(): void {
    const keys = this.#source.reload().map(named)
    if (keys.length > 0) this.#keys = keys
  }

  #current(): NamedKey {
    const [first] = this.#keys
    if (first === undefined) throw new RangeError('A secret box needs at least one key')
    return first
  }

  #find(id: Buffer): Buffer | undefined {
    const known = (): Buffer | undefined => this.#keys.find((candidate) => candidate.id.equals(id))?.key
    const key = known()
    if (key !== undefined) return key
    this.reload()
    return known()
  }
}

/** Names the place of a secret: table, column and row. */
export function placeOf(table: string, column: string, ...row: readonly string[]): string {
  return JSON.stringify([table, column, ...row])
}

/** Whether any key sealed a stored value. */
export function isSealed(stored: Buffer): boolean {
  return stored.length >= OVERHEAD_BYTES && stored.subarray(0, MARK.length).equals(MARK)
}

function named(key: Buffer): NamedKey {
  if (key.length !== KEY_BYTES) throw new RangeError(`A key needs ${KEY_BYTES} bytes; this one has ${key.length}`)
  return { id: createHash('sha256').update('berth secret key').update(key).digest().subarray(0, KEY_ID_BYTES), key }
}
