import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fetch } from '@streamhouse/proto/kafka/generated/01-fetch'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeRequest } from '../conformance/wire.ts'
import { Load } from './load.ts'
import { residentBytes } from './processes.ts'
import { World } from './world.ts'

const mebibyte = 1024 * 1024
const residentMaxBytes = 500 * mebibyte

let world: World
const sockets: Socket[] = []
beforeEach(async () => {
  world = await World.start()
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await world.stop()
})

async function open(bootstrap: string): Promise<Socket> {
  const [host, port] = bootstrap.split(':') as [string, string]
  const socket = connect(Number(port), host)
  socket.on('error', () => {})
  sockets.push(socket)
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  return socket
}

/** The most memory that the process had while the action ran. */
async function peakBytes(pid: number, action: () => Promise<void>): Promise<number> {
  let peak = 0
  let done = false
  const watch = async () => {
    while (!done) {
      peak = Math.max(peak, await residentBytes(pid))
      await sleep(50)
    }
  }
  const watching = watch()
  try {
    await action()
  } finally {
    done = true
    await watching
    console.log(`peak resident memory: ${Math.round(peak / mebibyte)} MiB`)
  }
  return peak
}

function framed(body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}

describe('memory of an agent', () => {
  it('stays bounded while 500 clients send large frames and stop halfway, and others are served', async () => {
    const agent = await world.agent()
    const load = await Load.start([agent.bootstrap])
    await load.progress(100)
    const part = Buffer.alloc(512 * 1024)
    part.writeInt32BE(8 * mebibyte)
    const peak = await peakBytes(agent.pid, async () => {
      for (let client = 0; client < 500; client++) (await open(agent.bootstrap)).write(part)
      await load.progress(200)
      await sleep(1_000)
      await load.progress(200)
    })
    expect(peak).toBeLessThan(residentMaxBytes)
    expect(await load.finish()).toEqual([])
    expect(load.failures).toEqual([])
  })

  it('stays bounded while 100 consumers ask for much and read nothing, and others are served', async () => {
    const agent = await world.agent()
    const load = await Load.start([agent.bootstrap])
    const producer = load.kafka.producer()
    await producer.connect()
    const topic = `${load.topic}-large`
    const admin = load.kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
    const value = Buffer.alloc(900 * 1024, 'v')
    for (let record = 0; record < 24; record++) await producer.send({ topic, messages: [{ value }] })
    await producer.disconnect()
    await admin.disconnect()
    const ask = framed(
      encodeRequest(
        fetch,
        4,
        {
          maxWaitMs: 100,
          minBytes: 1,
          maxBytes: 100 * mebibyte,
          topics: [
            { topic, partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 100 * mebibyte }] },
          ],
        },
        1,
      ),
    )
    const peak = await peakBytes(agent.pid, async () => {
      for (let client = 0; client < 100; client++) {
        const socket = await open(agent.bootstrap)
        socket.pause()
        for (let request = 0; request < 8; request++) socket.write(ask)
      }
      await load.progress(200)
      await sleep(1_000)
      await load.progress(200)
    })
    expect(peak).toBeLessThan(residentMaxBytes)
    expect(await load.finish()).toEqual([])
    expect(load.failures).toEqual([])
  })
})
