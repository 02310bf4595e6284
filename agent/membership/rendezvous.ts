/**
 * Rendezvous hashing: each node has a score for a key, and the highest wins. All agents that see the same nodes agree, and
 * when a node comes or goes only the keys it wins or held move.
 */

/** A 32-bit hash of a text (FNV-1a over UTF-16 units, then mixed). The same in every process and version. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193)
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193)
  }
  return mix(hash)
}

/** Combines a hash with a number, such as a partition's index. */
export function combine(hash: number, value: number): number {
  return mix(Math.imul(hash, 0x9e3779b1) ^ mix(value + 0x7f4a7c15))
}

/** The finalizer of MurmurHash3: every input bit flips each output bit half of the time. */
function mix(hash: number): number {
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The node that owns the key, or null when there are no nodes; equal scores go to the lower node id. */
export function ownerOf<Node extends { readonly nodeId: number }>(
  keyHash: number,
  nodes: readonly Node[],
): Node | null {
  let owner: Node | null = null
  let best = -1
  for (const node of nodes) {
    const score = combine(keyHash, node.nodeId)
    if (score > best || (score === best && owner !== null && node.nodeId < owner.nodeId)) {
      owner = node
      best = score
    }
  }
  return owner
}
