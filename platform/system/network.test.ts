import { connect as tlsConnect } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { testNetwork } from '../contract/network.ts'
import { systemNetwork } from './network.ts'

describe('systemNetwork', () => {
  testNetwork((work) => work({ server: systemNetwork, client: systemNetwork, host: '127.0.0.1' }))

  it('a host name that does not exist is HostNotFound', async () => {
    const dial = systemNetwork.connect('no-such-host.invalid', 1, 5_000)
    await expect(dial).rejects.toMatchObject({ code: 'HostNotFound' })
  })

  it('a listener with a key that is none is InvalidTls and names its address', async () => {
    const tls = { certificate: 'not a certificate', privateKey: 'not a key' }
    const bound = systemNetwork.listen({ host: '127.0.0.1', port: 0, tls }, () => {})
    await expect(bound).rejects.toMatchObject({ code: 'InvalidTls' })
  })

  it('an address that is not of this machine says so', async () => {
    const bound = systemNetwork.listen({ host: '192.0.2.1', port: 0 }, () => {})
    await expect(bound).rejects.toMatchObject({ code: 'AddressUnavailable' })
  })

  it('a client that speaks TLS to a plain listener does not end the listener', async () => {
    const listener = await systemNetwork.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
      connection.handle({ data: () => connection.destroy(), drained() {}, closed() {} })
    })
    await new Promise<void>((resolve) => {
      tlsConnect({ port: listener.port, host: '127.0.0.1', rejectUnauthorized: false }).once('error', () =>
        resolve(),
      )
    })
    const again = await systemNetwork.connect('127.0.0.1', listener.port, 1_000)
    again.destroy()
    await listener.close()
  })
})
