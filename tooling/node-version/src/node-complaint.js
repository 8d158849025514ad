/**
 * Returns what to say when this Node.js is older than a program needs, else an empty text. The
 * source of this function goes into every built program, so it uses only syntax that Node.js 12
 * knows, and no import.
 *
 * @param {string} program what is started, for example `berth`
 * @param {string} range `engines.node` of its package.json, for example `>=20.19`
 * @param {string} version of this Node.js, for example `14.21.3`
 * @returns {string}
 */
export function nodeComplaint(program, range, version) {
  const needed = range.replace('>=', '').trim()
  const has = version.split('.').map(Number)
  const parts = needed.split('.').map(Number)
  const difference = parts.map((part, index) => (has[index] || 0) - part).find((left) => left !== 0) || 0
  if (difference >= 0) return ''
  return program + ' needs Node.js ' + needed + ' or later, and this is ' + version + '. Install a newer one from https://nodejs.org.'
}
