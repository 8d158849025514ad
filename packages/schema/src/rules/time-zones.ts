/**
 * Names of the tz database that a JavaScript engine may omit from
 * `Intl.supportedValuesOf('timeZone')`, by area: links such as `US/Central` and `EST`, and
 * alternative spellings, of which each engine lists only one (tz database 2025b, public domain).
 */
const UNLISTED_NAMES: Readonly<Record<string, string>> = {
  '': 'CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong Iceland Iran Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland Portugal ROC ROK Singapore Turkey UCT UTC Universal W-SU WET Zulu',
  Africa: 'Asmara Asmera Timbuktu',
  America:
    'Atikokan Atka Buenos_Aires Catamarca Coral_Harbour Cordoba Ensenada Fort_Wayne Godthab Indianapolis Jujuy Knox_IN Kralendijk Louisville Lower_Princes Marigot Mendoza Montreal Nipigon Nuuk Pangnirtung Porto_Acre Rainy_River Rosario Santa_Isabel Shiprock St_Barthelemy Thunder_Bay Virgin Yellowknife',
  'America/Argentina': 'Buenos_Aires Catamarca ComodRivadavia Cordoba Jujuy Mendoza',
  'America/Indiana': 'Indianapolis',
  'America/Kentucky': 'Louisville',
  Antarctica: 'South_Pole',
  Arctic: 'Longyearbyen',
  Asia: 'Ashkhabad Calcutta Choibalsan Chongqing Chungking Dacca Harbin Ho_Chi_Minh Istanbul Kashgar Kathmandu Katmandu Kolkata Macao Rangoon Saigon Tel_Aviv Thimbu Ujung_Pandang Ulan_Bator Yangon',
  Atlantic: 'Faeroe Faroe Jan_Mayen',
  Australia: 'ACT Canberra Currie LHI NSW North Queensland South Tasmania Victoria West Yancowinna',
  Brazil: 'Acre DeNoronha East West',
  Canada: 'Atlantic Central Eastern Mountain Newfoundland Pacific Saskatchewan Yukon',
  Chile: 'Continental EasterIsland',
  Etc: 'GMT GMT+0 GMT+1 GMT+10 GMT+11 GMT+12 GMT+2 GMT+3 GMT+4 GMT+5 GMT+6 GMT+7 GMT+8 GMT+9 GMT-0 GMT-1 GMT-10 GMT-11 GMT-12 GMT-13 GMT-14 GMT-2 GMT-3 GMT-4 GMT-5 GMT-6 GMT-7 GMT-8 GMT-9 GMT0 Greenwich UCT UTC Universal Zulu',
  Europe: 'Belfast Bratislava Busingen Kiev Kyiv Mariehamn Nicosia Podgorica San_Marino Tiraspol Uzhgorod Vatican Zaporozhye',
  Mexico: 'BajaNorte BajaSur General',
  Pacific: 'Chuuk Enderbury Johnston Kanton Pohnpei Ponape Samoa Truk Yap',
  US: 'Alaska Aleutian Arizona Central East-Indiana Eastern Hawaii Indiana-Starke Michigan Mountain Pacific Samoa',
}

let names: ReadonlySet<string> | undefined

function timeZoneNames(): ReadonlySet<string> {
  names ??= new Set([
    ...Intl.supportedValuesOf('timeZone'),
    ...Object.entries(UNLISTED_NAMES).flatMap(([area, places]) =>
      places.split(' ').map((place) => (area === '' ? place : `${area}/${place}`)),
    ),
  ])
  return names
}

const formats = new Map<string, Intl.DateTimeFormat>()

/**
 * Returns the engine's formatter for a zone, or undefined for an unknown zone. Creating one is
 * slow, so they are kept; there can only be as many as there are zones.
 */
function formatOf(timeZone: string): Intl.DateTimeFormat | undefined {
  const known = formats.get(timeZone)
  if (known !== undefined) return known
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    formats.set(timeZone, format)
    return format
  } catch {
    return undefined
  }
}

/**
 * Whether a text is the name of a time zone in the tz database, in its exact case.
 *
 * Engines accept names in any case and some of their own (`PST`), which other programs that read
 * the same schedule don't. So the name must be in the engine's list or in ours, and the engine must
 * know it.
 */
export function isTimeZone(name: string): boolean {
  return timeZoneNames().has(name) && formatOf(name) !== undefined
}

const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/

/**
 * Returns how far a time zone is ahead of UTC at an instant, in milliseconds.
 *
 * @param timeZone a name for which {@link isTimeZone} is true.
 * @throws RangeError for any other name, and for an instant that a Date can't hold.
 */
export function offsetAtMs(timeZone: string, instantMs: number): number {
  const text = formatOf(timeZone)?.format(instantMs)
  const match = OFFSET.exec(text ?? '')
  if (match === null) throw new RangeError(`unknown time zone ${JSON.stringify(timeZone)}`)
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = match
  const offset = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
  return sign === '-' ? -offset : offset
}
