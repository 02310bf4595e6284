/**
 * Checks what compiler and linter do not know: which way imports go, which globals are used where, and how long files grow.
 *
 *     node tools/tidy.ts
 *
 * Prints a line for each finding and ends with 1 if there is any.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** Of ours, what each package may import; a path narrows it to that folder. Everything may import its own files. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  platform: [],
  proto: ['platform/std'],
  storage: ['platform', 'proto'],
  agent: ['platform', 'proto', 'storage'],
  operator: ['platform', 'proto', 'storage'],
  dev: ['platform', 'proto', 'storage', 'agent', 'operator'],
  test: ['platform', 'proto', 'storage', 'agent', 'operator', 'dev'],
  tools: ['platform', 'proto'],
}

/** Globals that make a run unrepeatable, and what to use in their place. */
const bannedGlobals: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\(/, 'the Clock'],
  [/\bnew Date\(\)/, 'the Clock'],
  [/\bperformance\.now\(/, 'the Clock'],
  [/\bMath\.random\(/, 'the Random'],
  [/\brandomUUID\(|\brandomBytes\(/, 'the Random'],
  [/(?<![.\w])set(Timeout|Interval|Immediate)\(/, 'the Timers'],
  [/\bprocess\.env\b/, 'the config'],
  [/\bprocess\.exit\(/, 'an error, or process.exitCode in main.ts'],
]

const fileLinesMax = 400

/** Files that may be longer, each with the reason. */
const longFiles: Readonly<Record<string, string>> = {
  'test/kubernetes/topics.test.ts': 'one start of a control plane serves all of its tests',
}

const findings: string[] = []
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && !file.includes('/generated/'))
const folderImports = new Map<string, Map<string, string>>()

for (const file of files) {
  const text = read(file)
  if (text === null) continue
  checkImports(file, text)
  if (!isOutside(file)) checkGlobals(file, text)
  checkLength(file, text)
}
checkCycles()

for (const finding of findings) console.log(finding)
console.log(`tidy: ${files.length} files, ${findings.length} findings`)
process.exitCode = findings.length > 0 ? 1 : 0

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null // deleted, and not committed yet
  }
}

/** Tests, and what only tests use. */
function isTest(file: string): boolean {
  return /\.(test|contract)\.ts$|\/testing\/|\/contract\/|^test\/|^vitest/.test(file)
}

/** Where the outside world may be touched directly. */
function isOutside(file: string): boolean {
  return (
    isTest(file) ||
    /(^|\/)(main|config)\.ts$|^platform\/system\/|^tools\/|^dev\/|\/generat(e|or)\b/.test(file)
  )
}

function checkImports(file: string, text: string): void {
  const from = file.split('/')[0]!
  for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
    const target = resolveImport(file, specifier!)
    if (target === null) continue
    const to = target.split('/')[0]!
    if (!isTest(file)) noteFolderImport(file, target)
    if (target.startsWith('platform/system/') && !isOutside(file) && from !== 'platform') {
      findings.push(`${file}: only a main.ts, and tests, pick real implementations, but it imports ${target}`)
    }
    if (
      target.startsWith('platform/simulated/') &&
      !isTest(file) &&
      !file.startsWith('platform/simulated/')
    ) {
      findings.push(`${file}: only tests simulate, but it imports ${target}`)
    }
    if (file.startsWith('platform/std/') && to === 'platform' && !isTest(file) && !isPortOrStd(target)) {
      findings.push(`${file}: platform/std imports nothing but ports, yet it imports ${target}`)
    }
    if (to === from || isTest(file)) continue
    const allowed = mayImport[from]?.some((path) => target === path || target.startsWith(`${path}/`))
    if (!allowed) findings.push(`${file}: ${from} may not import ${target}; imports go down only`)
  }
}

function isPortOrStd(target: string): boolean {
  return target.startsWith('platform/std/') || target.split('/').length === 2
}

/** The path in the repository of an import of ours, or null. */
function resolveImport(file: string, specifier: string): string | null {
  if (specifier.startsWith('@streamhouse/')) return specifier.slice('@streamhouse/'.length)
  return specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : null
}

function noteFolderImport(file: string, target: string): void {
  const [from, to] = [dirname(file), dirname(target)]
  // A folder and the files above it share concepts such as the package's error; siblings must not.
  if (from === to || from.startsWith(`${to}/`) || to.startsWith(`${from}/`)) return
  const targets = folderImports.get(from) ?? new Map<string, string>()
  targets.set(to, file)
  folderImports.set(from, targets)
}

/** Folders that import each other, directly or around, are one folder in truth. */
function checkCycles(): void {
  const done = new Set<string>()
  const visit = (folder: string, path: readonly string[]): void => {
    const start = path.indexOf(folder)
    if (start >= 0) {
      const cycle = [...path.slice(start), folder]
      const witness = folderImports.get(path.at(-1)!)!.get(folder)
      findings.push(`${witness}: folders import each other in a circle: ${cycle.join(' -> ')}`)
      return
    }
    if (done.has(folder)) return
    for (const next of folderImports.get(folder)?.keys() ?? []) visit(next, [...path, folder])
    done.add(folder)
  }
  for (const folder of folderImports.keys()) visit(folder, [])
}

function checkGlobals(file: string, text: string): void {
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(\*|\/\/|\/\*)/.test(line)) continue
    for (const [pattern, instead] of bannedGlobals) {
      const found = pattern.exec(line)
      if (found !== null) findings.push(`${file}:${index + 1}: use ${instead} in place of ${found[0]}`)
    }
  }
}

function checkLength(file: string, text: string): void {
  const lines = text.split('\n').length - 1
  if (lines > fileLinesMax && longFiles[file] === undefined) {
    findings.push(`${file}: ${lines} lines; split it, or give the reason in tools/tidy.ts (longFiles)`)
  }
}
