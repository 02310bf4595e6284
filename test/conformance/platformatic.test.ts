import { inject } from 'vitest'
import { PlatformaticClient } from './clients/platformatic.ts'
import { describeClient } from './describe-client.ts'

describeClient('@platformatic/kafka', new PlatformaticClient(inject('bootstrap')))
