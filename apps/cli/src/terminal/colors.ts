/** Wraps text in a colour, or returns it as it is where colours are off. */
export type Paint = (text: string) => string

/** The few ways in which text stands out. */
export interface Colors {
  readonly bold: Paint
  readonly dim: Paint
  readonly red: Paint
  readonly green: Paint
  readonly yellow: Paint
  readonly cyan: Paint
}

const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const

/** Colours that are on or off as a whole. */
export function colorsFor(enabled: boolean): Colors {
  const paint =
    ([open, close]: readonly [number, number]): Paint =>
    (text) =>
      enabled && text !== '' ? `\u001B[${open}m${text}\u001B[${close}m` : text
  return {
    bold: paint(codes.bold),
    dim: paint(codes.dim),
    red: paint(codes.red),
    green: paint(codes.green),
    yellow: paint(codes.yellow),
    cyan: paint(codes.cyan),
  }
}

/** Colours are for terminals, and for people who have not said that they don't want them (NO_COLOR, TERM=dumb). */
export function wantsColors(stream: { readonly isTTY?: boolean }, environment: Readonly<Record<string, string | undefined>>): boolean {
  if (environment['NO_COLOR']) return false
  return stream.isTTY === true && environment['TERM'] !== 'dumb'
}
