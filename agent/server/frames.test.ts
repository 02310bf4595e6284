import { BufferPool } from '@streamhouse/platform/std/buffer-pool'
import { expect, it } from 'vitest'
import { AgentError } from '../errors.ts'
import { FrameReader } from './frames.ts'

const pool = new BufferPool({ maxBufferBytes: 2 ** 21, maxKeptBytes: 2 ** 24 })

function framed(...bodies: Buffer[]): Buffer {
  return Buffer.concat(
    bodies.flatMap((body) => {
      const length = Buffer.alloc(4)
      length.writeInt32BE(body.length)
      return [length, body]
    }),
  )
}

function drain(reader: FrameReader): Buffer[] {
  const frames: Buffer[] = []
  for (let frame = reader.next(); frame !== null; frame = reader.next()) frames.push(frame)
  return frames
}

function pattern(length: number, seed: number): Buffer {
  const body = Buffer.alloc(length)
  for (let i = 0; i < length; i++) body[i] = (i * 31 + seed * 7) & 0xff
  return body
}

it('frames that lie in one chunk are views of it', () => {
  const reader = new FrameReader(1_000, pool)
  const chunk = framed(Buffer.from('one'), Buffer.alloc(0), Buffer.from('three'))
  reader.append(chunk)
  const frames = drain(reader)
  expect(frames.map(String)).toEqual(['one', '', 'three'])
  expect(frames[0]!.buffer).toBe(chunk.buffer)
  expect(reader.bufferedBytes).toBe(0)
  expect(reader.midFrame).toBe(false)
})

it('any split of a stream gives the same frames', () => {
  let state = 12345
  const random = (bound: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return state % bound
  }
  for (let round = 0; round < 300; round++) {
    const bodies = Array.from({ length: 1 + random(6) }, (_, i) => pattern(random(300), i))
    const stream = framed(...bodies)
    const reader = new FrameReader(300, pool)
    const frames: Buffer[] = []
    for (let at = 0; at < stream.length; ) {
      const size = 1 + random(random(2) === 0 ? 4 : 400)
      reader.append(Buffer.from(stream.subarray(at, at + size)))
      at += size
      if (random(3) > 0) frames.push(...drain(reader))
    }
    frames.push(...drain(reader))
    expect(frames.map((frame) => frame.toString('hex'))).toEqual(bodies.map((body) => body.toString('hex')))
    expect(reader.bufferedBytes).toBe(0)
  }
})

it('a large frame in many chunks is put together in linear time and in a buffer of its size', () => {
  const body = pattern(24 * 1024 * 1024, 3)
  const stream = framed(body)
  const reader = new FrameReader(100 * 1024 * 1024, pool)
  const frames: Buffer[] = []
  for (let at = 0; at < stream.length; at += 1_448) {
    reader.append(stream.subarray(at, at + 1_448))
    frames.push(...drain(reader))
  }
  expect(frames).toHaveLength(1)
  expect(frames[0]!.equals(body)).toBe(true)
  expect(frames[0]!.buffer.byteLength).toBe(body.length)
})

it('an announced length takes no memory before its bytes arrive', () => {
  const before = process.memoryUsage().arrayBuffers
  const readers = Array.from({ length: 20 }, () => {
    const reader = new FrameReader(100 * 1024 * 1024, pool)
    const start = Buffer.alloc(8)
    start.writeInt32BE(100 * 1024 * 1024)
    reader.append(start)
    expect(reader.next()).toBeNull()
    return reader
  })
  expect(readers.every((reader) => reader.midFrame)).toBe(true)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * 1024 * 1024)
})

it.each([-1, -2_147_483_648, 1_001, 2_147_483_647, 0x47455420])('length %i is refused', (length) => {
  const start = Buffer.alloc(5)
  start.writeInt32BE(length)
  for (const split of [4, 2]) {
    const reader = new FrameReader(1_000, pool)
    reader.append(start.subarray(0, split))
    reader.append(start.subarray(split))
    expect(() => reader.next()).toThrow(AgentError)
  }
})
