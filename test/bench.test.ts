/** The bench's arithmetic, its files and its words. Nothing here measures: what a clock says belongs in no test. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { main } from '../src/cli.ts'

// Plain JavaScript, which tsc does not look into.
const bench = (file: string) => import(new URL(`../bench/${file}`, import.meta.url).href)
const { compare, isNoisy, quantile, summarise, takeTurns } = await bench('measure.js')
const { fileName, load, machine, newest, results, save } = await bench('record.js')
const { judge } = await bench('baseline.js')
const { changes, micros, table } = await bench('print.js')
const { charts, missing } = await bench('charts.js')
const { draw, replaceTable, speedTable } = await bench('report.js')

const folder = mkdtempSync(join(tmpdir(), 'cookie-sessions-bench-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Row {
  group: string
  name: string
  size?: number
  unit?: string
  median: number
  min: number
  spread: number
  ratio: number
}

const KERNELS = ['SHA-256', 'HMAC-SHA256', 'ChaCha20', 'base64url encode', 'base64url decode']
const SIZES = [32, 256, 3000]

/** Rows as a run makes them; `factor` is what a row's time is multiplied by. */
function rowsOf(factor: (row: Row) => number = () => 1, spread = 0.02): Row[] {
  const named = (groups: string[], names: string[]) =>
    groups.flatMap((group) => SIZES.flatMap((size) => names.map((name) => ({ group, name, size }))))
  return [...named(KERNELS, ['wasm', 'node']), ...named(['seal', 'seal + open'], ['auto', 'wasm', 'node'])].map(
    (id) => {
      const row = { ...id, median: 1000 + id.size, min: 990 + id.size, spread, ratio: 1 }
      const by = factor(row)
      return { ...row, median: row.median * by, min: row.min * by }
    },
  )
}

const run = (rows = rowsOf(), suite = 'core') => results(suite, rows, { rounds: 3, time: 1 })
const marked = (now: Row[], then: Row[]): string[] =>
  judge(run(now), run(then))
    .rows.filter(({ verdict }: { verdict: string }) => verdict !== '')
    .map(({ group, size, name, verdict }: Row & { verdict: string }) => `${group} ${size} ${name}: ${verdict}`)

describe('the statistics', () => {
  it('quantiles lie between values in proportion, whatever their order', () => {
    expect(quantile([3, 1, 2], 0.5)).toBe(2)
    expect(quantile([4, 1, 2, 3], 0.5)).toBe(2.5)
    expect(quantile([10, 20], 0.25)).toBe(12.5)
    expect(quantile([7], 0.75)).toBe(7)
  })

  it('a figure has the median, the minimum, the spread of the middle half, and the ratio round by round', () => {
    const { a, b } = summarise({ a: [100, 101, 99, 100, 200], b: [300, 310, 280, 290, 600] })
    expect(a).toEqual({ median: 100, min: 99, spread: 0.01, ratio: 1 })
    expect(b).toEqual({ median: 300, min: 280, spread: 20 / 300, ratio: 3 })
    // A machine that becomes slower with every round: the ratio does not see it.
    expect(summarise({ a: [100, 200, 400], b: [300, 600, 1200] }).b.ratio).toBe(3)
  })

  it('a run is noisy when more than a quarter of its rows vary by more than 15 %', () => {
    const rows = (wild: number) => Array.from({ length: 8 }, (_, i) => ({ spread: i < wild ? 0.2 : 0.01 }))
    expect(isNoisy(rows(2))).toBe(false)
    expect(isNoisy(rows(3))).toBe(true)
  })
})

describe('takeTurns()', () => {
  it('goes through all rows each round, and lets each contender go first in its turn', async () => {
    const order: string[] = []
    const row = (label: string, ...names: string[]) => ({
      label,
      turns: Object.fromEntries(names.map((name) => [name, () => order.push(`${label}${name}`)])),
    })
    const steps: [string, number][] = []
    const found = await takeTurns([row('x', 'a', 'b'), row('y', 'c')], 2, (...step: [string, number]) =>
      steps.push(step),
    )
    expect(order).toEqual(['xa', 'xb', 'yc', 'xb', 'xa', 'yc'])
    expect(found).toEqual([{ a: [1, 5], b: [2, 4] }, { c: [3, 6] }])
    expect(steps[0]).toEqual(['round 1 of 2: x, a', 0])
    expect(steps[5]).toEqual(['round 2 of 2: y, c', 5 / 6])
  })

  it('lets node do what it has put off between two turns', async () => {
    const order: string[] = []
    const turn = (name: string) => () => {
      setImmediate(() => order.push('free'))
      order.push(name)
    }
    await takeTurns([{ label: '', turns: { a: turn('a'), b: turn('b') } }], 1)
    expect(order.slice(0, 3)).toEqual(['a', 'free', 'b'])
  })
})

describe('compare()', () => {
  it('lets a contender take its own time', async () => {
    const asked: number[] = []
    const turn = (ms: number) => asked.push(ms)
    expect(await compare({ a: { turn } }, { rounds: 3, time: 7 })).toMatchObject({ a: { median: 2, min: 1 } })
    expect(asked).toEqual([7, 7, 7])
  })

  it('gives every contender its figures, in the order given, the first with the ratio 1', async () => {
    let calls = 0
    const figures = await compare({ a: () => calls++, b: () => Math.sqrt(calls) }, { rounds: 2, time: 1 })
    expect(Object.keys(figures)).toEqual(['a', 'b'])
    expect(figures.a.ratio).toBe(1)
    for (const figure of Object.values<Row>(figures)) {
      expect(Object.keys(figure)).toEqual(['median', 'min', 'spread', 'ratio'])
      expect(figure.min).toBeGreaterThan(0)
      expect(figure.median).toBeGreaterThanOrEqual(figure.min)
    }
    expect(calls).toBeGreaterThan(0)
  })

  it('waits for promises, one after the other', async () => {
    let running = 0
    let most = 0
    await compare(
      {
        async a() {
          most = Math.max(most, ++running)
          await null
          running--
        },
      },
      { rounds: 2, time: 1 },
    )
    expect(most).toBe(1)
    expect(running).toBe(0)
  })

  it('fails when a contender does', async () => {
    const broken = () => {
      throw new Error('broken')
    }
    await expect(compare({ broken }, { rounds: 1, time: 1 })).rejects.toThrow('broken')
  })
})

describe('results', () => {
  it('say what machine, what software and when', () => {
    const { machine: facts, date, commit, ...rest } = run()
    expect(rest).toMatchObject({ format: 1, suite: 'core', settings: { rounds: 3, time: 1 }, noisy: false })
    expect(facts).toMatchObject({ node: process.version, v8: process.versions.v8, openssl: process.versions.openssl })
    expect([true, false, null]).toContain(facts.shaNi)
    expect(facts.cpu).not.toBe('')
    expect(new Date(date).toISOString()).toBe(date)
    if (commit !== null) expect(commit).toMatch(/^[0-9a-f]{7,40}\+?$/)
  })

  it('are named after the day, node and the processor, and the suite unless it is the core', () => {
    const of = (suite: string, cpu: string) =>
      fileName({ suite, date: '2026-01-31T12:00:00.000Z', machine: { ...machine(), node: 'v20.1.0', cpu } })
    expect(of('core', 'Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz')).toBe(
      '2026-01-31-v20.1.0-intel-xeon-e5-2690-v4.json',
    )
    expect(of('peers', 'AMD EPYC 7763 64-Core Processor')).toBe('2026-01-31-v20.1.0-amd-epyc-7763-peers.json')
    expect(of('http', '../..')).toBe('2026-01-31-v20.1.0-unknown-http.json')
  })

  it('come back from their file as they went, to four digits, a row a line', () => {
    const path = join(folder, 'run.json')
    const rows = [{ group: 'seal', name: 'auto', size: 32, median: 1234.5678, min: 1200, spread: 0.012345, ratio: 1 }]
    save(run(rows), path)
    expect(load(path).rows).toEqual([{ ...rows[0], median: 1235, spread: 0.01235 }])
    expect(
      readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line.includes('"group"')),
    ).toHaveLength(1)
  })

  it.each([
    ['{"format":2,"rows":[]}'],
    ['{"format":1}'],
    ['{"format":1,"rows":[{"group":"seal","name":"auto","median":"1","min":1,"spread":0,"ratio":1}]}'],
  ])('are refused when they are not such: %s', (text) => {
    const path = join(folder, 'bad.json')
    writeFileSync(path, text)
    expect(() => load(path)).toThrow(/does not hold results/)
    rmSync(path)
  })

  it('of each suite the newest counts', () => {
    const own = mkdtempSync(join(folder, 'newest-'))
    for (const [suite, date] of [
      ['core', '2026-02-01'],
      ['core', '2026-01-01'],
      ['peers', '2025-12-01'],
    ]) {
      const one = { ...run(rowsOf(), suite), date: `${date}T00:00:00.000Z` }
      save(one, join(own, fileName(one)))
    }
    const found: Map<string, { date: string }> = newest(own)
    expect([...found].map(([suite, { date }]) => `${suite} ${date.slice(0, 10)}`).sort()).toEqual([
      'core 2026-02-01',
      'peers 2025-12-01',
    ])
  })
})

describe('a baseline', () => {
  it('marks nothing between two equal runs', () => {
    expect(marked(rowsOf(), rowsOf())).toEqual([])
  })

  it('marks a planted change, and nothing else', () => {
    const planted = ({ group, size, name }: Row) =>
      group === 'seal' && name === 'wasm' ? (size === 256 ? 1.2 : size === 32 ? 0.8 : 1) : 1
    expect(marked(rowsOf(planted), rowsOf())).toEqual(['seal 32 wasm: faster', 'seal 256 wasm: slower'])
  })

  it('does not mark what lies within both spreads together, or within 5 %', () => {
    const planted = ({ group }: Row) => (group === 'seal' ? 1.2 : 1)
    expect(marked(rowsOf(planted, 0.11), rowsOf(undefined, 0.11))).toEqual([])
    expect(
      marked(
        rowsOf(({ group }) => (group === 'seal' ? 1.04 : 1), 0),
        rowsOf(undefined, 0),
      ),
    ).toEqual([])
  })

  it('does not mark a machine that is slower as a whole, and says by how much it is', () => {
    const slower = rowsOf(() => 1.5)
    expect(marked(slower, rowsOf())).toEqual([])
    expect(judge(run(slower), run()).drift).toBeCloseTo(1.5)
  })

  it('does not mark a median that moved while the minimum stayed', () => {
    const busy = rowsOf().map((row) => (row.group === 'seal' ? { ...row, median: row.median * 1.4 } : row))
    expect(marked(busy, rowsOf())).toEqual([])
  })

  it('does not mark what stayed while the foreign rows were disturbed', () => {
    expect(
      marked(
        rowsOf(({ group, name }) => (KERNELS.includes(group) && name === 'node' ? 1.4 : 1)),
        rowsOf(),
      ),
    ).toEqual([])
  })

  it('takes rates the other way round: more is faster', () => {
    const rates = (median: number) => [
      { group: 'rw', name: 'auto', unit: 'req/s', median, min: median, spread: 0.01, ratio: 1 },
    ]
    expect(marked(rates(12_000), rates(10_000))).toEqual(['rw undefined auto: faster'])
  })

  it('leaves out what only one of the runs has', () => {
    const { rows } = judge(run(), run(rowsOf().filter(({ group }) => group === 'seal')))
    expect(rows.every(({ group }: Row) => group === 'seal')).toBe(true)
    expect(rows).toHaveLength(9)
  })

  it('warns of another machine or another node', () => {
    const other = { ...run(), machine: { ...machine(), node: 'v99.0.0', cpu: 'abacus' } }
    expect(judge(run(), run()).warnings).toEqual([])
    expect(judge(run(), other).warnings).toHaveLength(2)
  })
})

describe('the tables', () => {
  const rows = [
    { group: 'seal', name: 'auto', size: 32, median: 1420, min: 1400, spread: 0.01, ratio: 1 },
    { group: 'seal', name: 'node', size: 32, median: 6310, min: 6300, spread: 0.2, ratio: 4.44 },
  ]

  it('have a line a size, a column a name, the ratios, and a mark where it varies too much', () => {
    expect(
      table(rows)
        .split('\n')
        .map((line: string) => line.split(/\s{2,}/)),
    ).toEqual([
      ['seal', 'auto', 'node', 'node / auto', 'spread'],
      ['32 B', '1.42', '6.31', '4.44x', '20 % !'],
    ])
  })

  it('show three digits', () => {
    expect([91, 999, 1420, 14_200, 310_000].map(micros)).toEqual(['0.091', '0.999', '1.42', '14.2', '310'])
  })

  it('name what changed', () => {
    const judged = rows.map((row, i) => ({ ...row, change: i === 0 ? 1.25 : 1, verdict: i === 0 ? 'slower' : '' }))
    expect(changes(judged)).toMatch(/32 B\s+1\.25x slower\s+1\.00x$/)
  })

  it('go into README.md between their markers, and nowhere without them', () => {
    const speed = speedTable(run())
    expect(speed.split('\n')[0]).toContain('`auto`')
    expect(speed).toContain('| 3,000 | 4.00 | 4.00 | 4.00 | 1.00x |')
    const text = 'before\n<!-- speed:begin -->\nold\n<!-- speed:end -->\nafter\n'
    const once = replaceTable(text, speed)
    expect(once).toBe(`before\n<!-- speed:begin -->\n\n${speed}\n\n<!-- speed:end -->\nafter\n`)
    expect(replaceTable(once, speed)).toBe(once)
    expect(replaceTable('no markers', speed)).toBeUndefined()
  })
})

/** `npm test` builds both first; a single file started by hand may find neither. */
const built = ['../dist/codec/codec.js', '../build/kernels.wasm'].every((path) =>
  existsSync(new URL(path, import.meta.url)),
)

const installed = (name: string): boolean => {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`)
    return true
  } catch (error) {
    // Found, and keeping its package.json to itself.
    return (error as { code?: string }).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED'
  }
}

describe.skipIf(!installed('vega') || !installed('vega-lite'))('the charts', () => {
  const single = (name: string, ratio: number, group = 'seal + open', unit?: string): Row => ({
    group,
    name,
    ...(unit === undefined ? { size: 256 } : { unit }),
    median: 2500 * ratio,
    min: 2400,
    spread: 0.02,
    ratio,
  })
  const suites: [string, Row[], string[]][] = [
    ['core', rowsOf(), ['core', 'kernels']],
    ['peers', [single('auto', 1), single('node', 2.8), single('client & sessions', 120)], ['peers']],
    [
      'http',
      ['rw', 'r', 'untouched'].flatMap((kind) => [
        single('bare', 1, kind, 'req/s'),
        single('auto', 0.5, kind, 'req/s'),
      ]),
      ['http'],
    ],
    ['native', rowsOf().filter(({ group }) => group === 'seal + open'), ['native']],
  ]

  /** What a chart calls a row: where other packages are, ours carry the package's name. */
  const label = (suite: string, name: string): string =>
    (suite === 'peers' || suite === 'http') && ['auto', 'wasm', 'node'].includes(name)
      ? `cookie-sessions (${name})`
      : name.replace('&', '&amp;')

  it.each(suites)(
    'of %s are SVG without a ground of their own, and name what they show',
    async (suite, rows, files) => {
      const specs: Record<string, object> = charts(run(rows, suite))
      expect(Object.keys(specs)).toEqual(files)
      for (const [file, spec] of Object.entries(specs)) {
        const svg: string = await draw(spec)
        expect(svg, file).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg".*<\/svg>$/)
        expect(svg, file).not.toMatch(/NaN|undefined|Infinity/)
        expect(svg, file).not.toMatch(/fill="(white|black|#fff|#000)/)
        expect(wellFormed(svg), file).toBe(true)
        const shown = new Set(rows.map(({ name }) => label(suite, name)))
        if (file === 'kernels') shown.delete('auto')
        for (const name of shown) expect(svg, file).toContain(`>${name}<`)
        expect(svg, file).toContain(process.version)
      }
    },
  )

  const recorded: Map<string, ReturnType<typeof run>> = newest(
    fileURLToPath(new URL('../bench/results', import.meta.url)),
  )
  const chartsOf = (suite: string): Record<string, object> => charts(recorded.get(suite))

  it.each([...recorded.keys()])('of %s, as recorded: no label covers another', async (suite) => {
    for (const [file, spec] of Object.entries(chartsOf(suite))) expect(await covered(spec), file).toEqual([])
  })

  it.each([...recorded.keys()])('of %s are drawn from the newest results', async (suite) => {
    for (const [file, spec] of Object.entries(chartsOf(suite))) {
      const drawn = readFileSync(new URL(`../bench/charts/${file}.svg`, import.meta.url), 'utf8')
      expect(drawn === `${await draw(spec)}\n`, `${file}.svg: npm run bench:report draws it again`).toBe(true)
    }
  })

  it('of peers say what each does not do', () => {
    const rows = recorded.get('peers')?.rows as { name: string; note: string }[]
    const lacks = Object.fromEntries(rows.map(({ name, note }) => [name, missing(note)]))
    expect(lacks).toMatchObject({
      auto: '',
      'cookie-session': 'does not encrypt, no expiry on the server',
      'cookie-sessions 0.0.2': 'no nonce, no absolute timeout, not bound to the cookie’s name',
      jose: 'no expiry on the server, not bound to the cookie’s name, not synchronous',
    })
    const drawn = readFileSync(new URL('../bench/charts/peers.svg', import.meta.url), 'utf8')
    for (const words of Object.values(lacks)) expect(drawn).toContain(`>${words}<`)
  })

  it('of http show requests a second, and what an untouched session costs', () => {
    const drawn = readFileSync(new URL('../bench/charts/http.svg', import.meta.url), 'utf8')
    const rows = recorded.get('http')?.rows as (Row & { cpuOverBare?: number })[]
    for (const { median, ratio } of rows) {
      expect(drawn).toContain(`>${Math.round(median).toLocaleString('en')}\u2002${Math.round(ratio * 100)} %<`)
    }
    const { cpuOverBare = Number.NaN } = rows.find((row) => row.cpuOverBare !== undefined) ?? {}
    expect(drawn).toContain(`never touched costs ${cpuOverBare.toFixed(2)} µs of CPU`)
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const { ratio = Number.NaN } = rows.find(({ group, name }) => group === 'untouched' && name === 'auto') ?? {}
    expect(readme).toContain(`costs ${cpuOverBare.toFixed(2)} µs of CPU time`)
    expect(readme).toContain(`The ${Math.round(ratio * 100)} % in the chart`)
  })

  it('are left out of what holds too little for them', () => {
    expect(charts(run(rowsOf().filter(({ size }) => size === 32)))).toEqual({})
    expect(charts(run([], 'peers'))).toEqual({})
    expect(charts(run(rowsOf(), 'something else'))).toEqual({})
  })
})

/** Pairs of labels that lie on each other, by vega's own measure of a text. */
async function covered(spec: object): Promise<string[]> {
  const { compile } = await import('vega-lite')
  const { parse, View } = await import('vega')
  // biome-ignore lint/suspicious/noExplicitAny: vega-lite's type for what it is given is a union of hundreds.
  const view = new View(parse(compile(spec as any).spec), { renderer: 'none' })
  await view.runAsync()
  const texts: { text: string; x1: number; y1: number; x2: number; y2: number }[] = []
  // biome-ignore lint/suspicious/noExplicitAny: the scene is not typed.
  const walk = (mark: any, x: number, y: number): void => {
    for (const item of mark.items ?? []) {
      if (mark.marktype === 'group') for (const child of item.items) walk(child, x + (item.x ?? 0), y + (item.y ?? 0))
      if (mark.marktype !== 'text' || !item.text) continue
      const { x1, y1, x2, y2 } = item.bounds
      texts.push({ text: String(item.text), x1: x1 + x, y1: y1 + y, x2: x2 + x, y2: y2 + y })
    }
  }
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  walk((view.scenegraph() as any).root, 0, 0)
  view.finalize()
  expect(texts.length).toBeGreaterThan(5)
  // Bounds are rounded outwards, and a line's box is higher than its letters: touching is not covering.
  return texts.flatMap((a, i) =>
    texts
      .slice(i + 1)
      .filter((b) => Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1) > 2 && Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1) > 4)
      .map((b) => `${a.text} / ${b.text}`),
  )
}

/** Every element is closed, in order. */
function wellFormed(svg: string): boolean {
  const open: string[] = []
  for (const [, closing, name, , empty] of svg.matchAll(/<(\/?)([a-zA-Z]+)((?:[^>"]|"[^"]*")*?)(\/?)>/g)) {
    if (closing === '/') {
      if (open.pop() !== name) return false
    } else if (empty !== '/') open.push(name as string)
  }
  return open.length === 0
}

describe('npm run bench', () => {
  const script = fileURLToPath(new URL('../bench/run.js', import.meta.url))
  const run = (...args: string[]) =>
    execFileSync(process.execPath, [script, ...args], { encoding: 'utf8', stdio: 'pipe' })
  const start = (...args: string[]) => run('core', ...args)

  it.each([
    ['core', 'npm run bench', '--time'],
    ['peers', 'npm run bench:peers', '--time'],
    ['http', 'npm run bench:http', '--seconds <n>.*--pairs <n>.*--load'],
    ['native', 'npm run bench:native', '--time <n>.*C compiler'],
  ])('of %s says what it takes', (suite, command, own) => {
    const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    expect(scripts[command.replace('npm run ', '')]).toBe(`node bench/run.js ${suite}`)
    const text = run(suite, '--help')
    expect(text).toContain(`${command} -- [options]`)
    for (const part of ['--quick', '--only', '--rounds', '--baseline', '--out', own]) {
      expect(text).toMatch(new RegExp(part, 's'))
    }
  })

  it.skipIf(!built)('measures in several processes, and writes what it found', () => {
    const path = join(folder, 'tiny.json')
    const text = start('--only', '^(SHA-256|seal) 32$', '--rounds', '1', '--time', '1', '--out', path)
    expect(text).toMatch(/^32 B( +[\d.]+){2} +[\d.]+x +\d+ %/m)
    const { settings, rows } = load(path)
    expect(settings).toEqual({ rounds: 3, time: 1 })
    expect(rows.map(({ group, size, name }: Row) => `${group} ${size} ${name}`)).toEqual([
      'SHA-256 32 wasm',
      'SHA-256 32 node',
      'seal 32 auto',
      'seal 32 wasm',
      'seal 32 node',
    ])
  })

  it.each([
    [['--nope'], /--nope/],
    [['--rounds', '0'], /--rounds must be a whole number above 0/],
    [['--only', '('], /--only/],
    [['--baseline', join(folder, 'missing.json')], /missing\.json/],
  ])('fails on %j and says why', (args, message) => {
    expect(() => start(...args)).toThrow(message)
  })

  it.each([
    [['cpu'], /core \| peers \| http \| native/],
    [['http', '--load', 'ab'], /--load must be wrk or autocannon, got ab/],
    [['http', '--pairs', '-1'], /--pairs/],
  ])('fails on %j and says why, whatever the suite', (args, message) => {
    expect(() => run(...args)).toThrow(message)
  })
})

describe('npx cookie-sessions', () => {
  function cli(...args: string[]) {
    const out: string[] = []
    const err: string[] = []
    const status = main(
      args,
      (line) => out.push(line),
      (line) => err.push(line),
      0,
    )
    return { status, out: out.join('\n'), err: err.join('\n') }
  }

  it('secret prints a new one, and nothing else', () => {
    const { status, out, err } = cli('secret')
    expect({ status, err }).toEqual({ status: 0, err: '' })
    expect(out).toMatch(/^[\w-]{43}$/)
    expect(cli('secret').out).not.toBe(out)
  })

  it('bench compares the backends at each size and names the fastest', () => {
    const { status, out, err } = cli('bench')
    expect({ status, err }).toEqual({ status: 0, err: '' })
    expect(out).toContain(`Node ${process.version}`)
    expect(out).toMatch(/^JSON\s+auto\s+wasm\s+node\s+fastest$/m)
    for (const size of [32, 128, 256, 512, 1024, 2048, 3000]) {
      expect(out).toMatch(
        new RegExp(`^${size} B(\\s+\\d+\\.\\d\\d){3}   (auto|wasm|node)(, (auto|wasm|node))* \\(\\d+\\.\\dx\\)$`, 'm'),
      )
    }
  })

  it.each([[['--help']], [['-h']], [['bench', '--help']]])('%j says what there is', (args) => {
    const { status, out, err } = cli(...args)
    expect({ status, err }).toEqual({ status: 0, err: '' })
    expect(out).toMatch(/bench.*secret/s)
  })

  it.each([
    [[], 'a command is missing'],
    [['fly'], "'fly' is not a command"],
    [['secret', '2'], "'secret 2' is not a command"],
    [['constructor'], "'constructor' is not a command"],
  ])('%j is an error that says what there is', (args, message) => {
    const { status, out, err } = cli(...args)
    expect({ status, out }).toEqual({ status: 1, out: '' })
    expect(err).toContain(message)
    expect(err).toMatch(/bench.*secret/s)
  })
})
