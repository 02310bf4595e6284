/** After a run that LZ4 could not shrink, this many runs of the topic are stored as they are before it is tried again. */
const skippedRuns = 31

/** Topics whose choice is remembered; beyond that the oldest is forgotten. */
const topicsMax = 10_000

/** Remembers which topics' data LZ4 cannot shrink, so that processor time is not spent on them in vain. */
export class CompressionChoice {
  private readonly enabled: boolean
  private readonly skips = new Map<string, number>()

  constructor(enabled: boolean) {
    this.enabled = enabled
  }

  mayCompress(topicId: string): boolean {
    if (!this.enabled) return false
    const left = this.skips.get(topicId)
    if (left === undefined) return true
    if (left === 0) this.skips.delete(topicId)
    else this.skips.set(topicId, left - 1)
    return false
  }

  observe(topicId: string, saved: boolean): void {
    if (saved) return
    if (this.skips.size >= topicsMax) this.skips.delete(this.skips.keys().next().value!)
    this.skips.set(topicId, skippedRuns)
  }
}
