internal import CentramGenome

extension GateAttack {
  private static let layer = "gate.signature"

  public static let signature: [GateAttack] = [
    GateAttack("signed by another key in an author's name", layer) { world in
      var genome = world.next().sealed()
      genome.signature = CorpusKey(99).sign(genome.manifest)
      return genome
    },
    GateAttack("weights changed after they were signed", layer, covers: ["gate.lineage"]) { world in
      var genome = world.next().sealed()
      genome.weights[genome.weights.count - 2] ^= 0x40
      return genome
    },
    GateAttack("a scale changed after it was signed", layer, covers: ["gate.lineage"]) { world in
      var genome = world.next().sealed()
      genome.configuration = world.shape.configuration(alpha: 2 * world.shape.rank + 1)
      return genome
    },
    GateAttack("a better loss written in after signing", layer) { world in
      var genome = world.next().sealed()
      genome.manifest = Array(String(decoding: genome.manifest, as: UTF8.self).replacingFirst("\"loss\":1.25", with: "\"loss\":0.25").utf8)
      return genome
    },
    GateAttack("a privacy record taken out after signing", layer) { world in
      var draft = world.next()
      let plain = draft.sealed()
      draft.privacy = Manifest.Privacy(
        epsilon: 100, delta: 1e-5, noiseMultiplier: 0.1, sampleRate: 0.01, steps: 100, clippingNorm: 1, mechanism: "gaussian", sampling: "poisson")
      var genome = draft.sealed()
      genome.manifest = plain.manifest
      return genome
    },
    GateAttack("the signature of another genome of the same author", layer) { world in
      var genome = world.next(seed: 7).sealed()
      genome.signature = world.next(seed: 8).sealed().signature
      return genome
    },
    GateAttack("a signature that was made for a frame", layer) { world in
      let draft = world.next()
      var genome = draft.sealed()
      genome.signature = draft.key.sign(genome.manifest, domain: Array("centram/1/frame\0".utf8))
      return genome
    },
    GateAttack("the same signature with the group's order added", layer) { world in
      var genome = world.next().sealed()
      genome.signature = malleated(genome.signature)
      return genome
    },
    GateAttack("a key of small order, which signs everything", layer) { world in
      // The neutral element: with S = 0 and R neutral the equation holds for every message.
      let neutral = [UInt8(1)] + [UInt8](repeating: 0, count: 31)
      var genome = world.draft(author: 50, seed: 7).sealed { $0.author = Hexadecimal.text(neutral) }
      genome.signature = neutral + [UInt8](repeating: 0, count: 32)
      return genome
    },
    GateAttack("a key that was revoked", layer) { world in
      world.standings[CorpusKey(1).hex]?.revocation = "its owner lost it"
      return world.next().sealed()
    },
    GateAttack("chunk hashes with which nobody can pass it on", layer) { world in
      world.next().sealed { $0.files[1].chunks = String(repeating: "ab", count: 32) }
    },
  ]

  /// S + L, where L is the group's order 2²⁵² + 27742317777372353535851937790883648493: equal in the equation, other bytes.
  private static func malleated(_ signature: [UInt8]) -> [UInt8] {
    let order: [UInt8] = [
      0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ]
    var result = signature, carry = 0
    for index in 0..<32 {
      let sum = Int(signature[32 + index]) + Int(order[index]) + carry
      (result[32 + index], carry) = (UInt8(truncatingIfNeeded: sum), sum >> 8)
    }
    return result
  }
}
