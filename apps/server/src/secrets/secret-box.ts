import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** Bytes of a key: AES-256. */
export const KEY_BYTES = 32

const ALGORITHM = 'aes-256-gcm'
/** Begins everything that is sealed. What was stored in clear before there were keys is JSON or text, and none begins with NUL. */
const MARK = Buffer.from([0x00, 0x42, 0x53, 0x01])
const KEY_ID_BYTES = 8
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = MARK.length + KEY_ID_BYTES
const OVERHEAD_BYTES = HEADER_BYTES + NONCE_BYTES + TAG_BYTES

/** A secret that cannot be read: another key sealed it, or it was changed, or it was moved to another row. */
export class SecretError extends Error {
  override readonly name = 'SecretError'
}

/** A key by the start of its hash, so that what is sealed tells which key opens it. */
interface NamedKey {
  readonly id: Buffer
  readonly key: Buffer
}

/** Where keys are read from, anew when something turns up that was sealed with a key that came later. */
export interface KeySource {
  /** At least one key of {@link KEY_BYTES}; the first seals. */
  readonly keys: readonly Buffer[]
  /** The keys as they are now. */
  reload(): readonly Buffer[]
}

/**
 * Encrypts what is stored (AES-256-GCM) so that a copy of the database tells no secrets.
 *
 * Sealed: mark (4 bytes), key ID (8), nonce (12), ciphertext, tag (16). The place it is stored in is authenticated: what is copied elsewhere does not open.
 */
export class SecretBox {
  readonly #source: KeySource
  #keys: readonly NamedKey[]

  constructor(source: KeySource) {
    this.#source = source
    this.#keys = source.keys.map(named)
    if (this.#keys.length === 0) throw new RangeError('There must be a key')
  }

  /** @param place Table, column and row, as {@link placeOf} spells them. */
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
   * What was sealed for a place. What was stored in clear, before secrets were sealed, is returned as it is.
   *
   * @throws SecretError
   */
  open(stored: Buffer, place: string): Buffer {
    if (!isSealed(stored)) return stored
    const id = stored.subarray(MARK.length, HEADER_BYTES)
    const key = this.#find(id)
    if (key === undefined)
      throw new SecretError(`${place} was sealed with a key that this server does not have (key ${id.toString('hex')})`)
    const decipher = createDecipheriv(ALGORITHM, key, stored.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES))
    decipher.setAAD(Buffer.from(place))
    decipher.setAuthTag(stored.subarray(-TAG_BYTES))
    try {
      return Buffer.concat([decipher.update(stored.subarray(HEADER_BYTES + NONCE_BYTES, -TAG_BYTES)), decipher.final()])
    } catch (error) {
      throw new SecretError(`${place} was changed in the database, or sealed for another place`, { cause: error })
    }
  }

  openText(stored: Buffer, place: string): string {
    return this.open(stored, place).toString('utf8')
  }

  /** How everything begins that is sealed with the key that seals now. */
  get currentPrefix(): Buffer {
    return Buffer.concat([MARK, this.#current().id])
  }

  /** Takes the keys as they are now, for example because another process has rotated them. */
  reload(): void {
    const keys = this.#source.reload().map(named)
    if (keys.length > 0) this.#keys = keys
  }

  #current(): NamedKey {
    const [first] = this.#keys
    if (first === undefined) throw new RangeError('There must be a key')
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

/** Names the place of a secret: table, column, and what identifies the row. */
export function placeOf(table: string, column: string, ...row: readonly string[]): string {
  return JSON.stringify([table, column, ...row])
}

/** Whether a stored value is sealed, by any key. */
export function isSealed(stored: Buffer): boolean {
  return stored.length >= OVERHEAD_BYTES && stored.subarray(0, MARK.length).equals(MARK)
}

function named(key: Buffer): NamedKey {
  if (key.length !== KEY_BYTES) throw new RangeError(`A key has ${KEY_BYTES} bytes, not ${key.length}`)
  return { id: createHash('sha256').update('berth secret key').update(key).digest().subarray(0, KEY_ID_BYTES), key }
}
