import { expect, test } from 'vitest'
import { allSources } from './repository.ts'

/** Columns that a line of a comment may take, its indentation included. */
const COMMENT_COLUMNS = 100

const commentLine = /^\s*(?:\/\/|\/?\*)/

test(`a line of a comment ends before column ${COMMENT_COLUMNS + 1}`, () => {
  const wrong = allSources()
    .filter(({ path }) => !/\.gen\.|\/dist\//.test(path))
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => {
        // A link or a lint directive can't be broken.
        const isWhole =
          !line
            .trim()
            .replace(/^(?:\/\/|\/?\*+)\s*/, '')
            .includes(' ') || /oxlint-disable|@ts-/.test(line)
        return commentLine.test(line) && line.length > COMMENT_COLUMNS && !isWhole ? [`${path}:${index + 1}`] : []
      }),
    )
  expect(wrong).toEqual([])
})
