import type { Stats } from 'node:fs'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const kinds: readonly [number, string][] = [
  [0o040000, 'd'],
  [0o120000, 'l'],
  [0o100000, '-'],
  [0o020000, 'c'],
  [0o060000, 'b'],
  [0o010000, 'p'],
  [0o140000, 's'],
]

/**
 * Returns the line of `ls -l` for a file, which sftp clients show unchanged. Other users appear as
 * numbers, since looking up their names would cost too much.
 */
export function longName(filename: string, stats: Stats, username: string): string {
  const owner = stats.uid === ownUid() ? username : String(stats.uid)
  const modified = new Date(stats.mtimeMs)
  const date = `${months[modified.getMonth()]} ${String(modified.getDate()).padStart(2)}`
  const recent = Math.abs(Date.now() - stats.mtimeMs) < 180 * 24 * 3_600_000
  const time = recent
    ? `${String(modified.getHours()).padStart(2, '0')}:${String(modified.getMinutes()).padStart(2, '0')}`
    : String(modified.getFullYear()).padStart(5)
  const numbers = `${String(stats.nlink).padStart(4)} ${owner.padEnd(8)} ${String(stats.gid).padEnd(8)} ${String(stats.size).padStart(8)}`
  return `${modeText(stats.mode)} ${numbers} ${date} ${time} ${filename}`
}

function ownUid(): number {
  return process.getuid?.() ?? -1
}

/** Returns a mode as text such as `drwxr-xr-x`, including the special bits. */
export function modeText(mode: number): string {
  const kind = kinds.find(([bits]) => (mode & 0o170000) === bits)?.[1] ?? '?'
  const bit = (mask: number, letter: string): string => ((mode & mask) === 0 ? '-' : letter)
  const execute = (mask: number, special: number, letters: string): string => {
    const [both = '', only = ''] = letters
    if ((mode & special) === 0) return bit(mask, 'x')
    return (mode & mask) === 0 ? only : both
  }
  return [
    kind,
    bit(0o400, 'r'),
    bit(0o200, 'w'),
    execute(0o100, 0o4000, 'sS'),
    bit(0o040, 'r'),
    bit(0o020, 'w'),
    execute(0o010, 0o2000, 'sS'),
    bit(0o004, 'r'),
    bit(0o002, 'w'),
    execute(0o001, 0o1000, 'tT'),
  ].join('')
}
