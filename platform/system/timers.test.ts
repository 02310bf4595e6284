import { describe } from 'vitest'
import { testTimers } from '../contract/timers.ts'
import { systemClock } from './clock.ts'
import { systemTimers } from './timers.ts'

describe('systemTimers', () => testTimers((work) => work(systemTimers, systemClock)))
