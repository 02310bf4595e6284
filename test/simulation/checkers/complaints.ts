import type { Checker } from './checker.ts'

/** No producer was told what a correct cluster never tells it. */
export const checkComplaints: Checker = ({ events }) =>
  events.flatMap((event) =>
    event.type === 'complaint'
      ? [
          {
            checker: 'complaints',
            message: `${event.producer} in ${event.partition}: ${event.message}`,
            about: [`"${event.producer}"`],
          },
        ]
      : [],
  )
