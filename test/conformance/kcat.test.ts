import { inject } from 'vitest'
import { openKcat } from './clients/kcat.ts'
import { describeClient } from './describe-client.ts'

describeClient('kcat', await openKcat(inject('bootstrap')))
