import { inject } from 'vitest'
import { openFranzGo } from './clients/programs.ts'
import { describeClient } from './describe-client.ts'

describeClient('franz-go', await openFranzGo(inject('bootstrap')))
