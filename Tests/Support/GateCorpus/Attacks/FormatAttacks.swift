internal import CentramGenome

extension GateAttack {
  private static let layer = "gate.format"
  /// It reads the weights too, to compare them with known ones.
  private static let reader: Set = ["gate.admission"]
  /// They read the manifest.
  private static let manifestReaders: Set = ["gate.signature", "gate.freshness", "gate.lineage", "gate.admission"]

  public static let format: [GateAttack] = [
    GateAttack("a pickle that runs a command in the place of the weights", layer, covers: reader) { world in
      world.next().weights([0x80, 4, 0x95] + Array("cos\nsystem\n(S'true'\ntR.".utf8)).sealed()
    },
    GateAttack("a ZIP archive with a pickle inside", layer, covers: reader) { world in
      world.next().weights([0x50, 0x4b, 0x03, 0x04] + Array("archive/data.pkl".utf8) + Array(repeating: 0, count: 64)).sealed()
    },
    GateAttack("settings that make PEFT import a library", layer, covers: reader) { world in
      world.next().configuration(world.shape.configuration(#","auto_mapping":{"base_model_class":"system","parent_library":"os"}"#)).sealed()
    },
    GateAttack("a header that says it is 2⁶² bytes long", layer, covers: reader) { world in
      world.next().weights(SafetensorsText.file(header: "{}", data: [], length: 1 << 62)).sealed()
    },
    GateAttack("a shape whose size overflows", layer, covers: reader) { world in
      let entry = #"{"x":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,16]}}"#
      return world.next().weights(SafetensorsText.file(header: entry, data: Array(repeating: 0, count: 16))).sealed()
    },
    GateAttack("two tensors over the same bytes", layer, covers: reader) { world in
      world.next().weights(relocated(world, shift: -16)).sealed()
    },
    GateAttack("bytes between tensors that nothing names", layer, covers: reader) { world in
      world.next().weights(relocated(world, shift: 16)).sealed()
    },
    GateAttack("bytes after the last tensor", layer, covers: reader) { world in
      let draft = world.next()
      return draft.weights(draft.weights + Array("hidden payload".utf8)).sealed()
    },
    GateAttack("a tensor named twice in the header", layer, covers: reader) { world in
      let entry = SafetensorsText.Entry("x", [1], [1])
      let member = SafetensorsText.member(entry, from: 0, to: 4)
      return world.next().weights(SafetensorsText.file(header: "{\(member),\(member)}", data: entry.bytes)).sealed()
    },
    GateAttack("lists in lists, a hundred deep, in the settings", layer, covers: reader) { world in
      let bomb = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
      return world.next().configuration(world.shape.configuration(",\"loftq_config\":\(bomb)")).sealed()
    },
    GateAttack("a key that stands twice in the manifest", layer, covers: manifestReaders) { world in
      world.next().sealed(text: { $0.replacingFirst("\"schema\":1", with: "\"schema\":1,\"schema\":1") })
    },
    GateAttack("weights that are NaN", layer, covers: reader) { world in world.next().weights(spoiled(world, .nan)).sealed() },
    GateAttack("weights that are infinite", layer, covers: reader) { world in world.next().weights(spoiled(world, -.infinity)).sealed() },
    GateAttack("a module that the base does not have", layer) { world in
      var shape = world.shape
      shape.layers += 1
      return world.next().weights(shape.weights(shape.factors(seed: 7))).sealed()
    },
    GateAttack("a matrix of another shape than the base's", layer) { world in
      var shape = world.shape
      shape.width *= 2
      return world.next().weights(shape.weights(shape.factors(seed: 7))).sealed()
    },
    GateAttack("factors of rank 65", layer) { world in
      var shape = world.shape
      shape.rank = 65
      return world.next().weights(shape.weights(shape.factors(seed: 7))).configuration(shape.configuration()).sealed()
    },
    GateAttack("a file more than a genome has", layer, covers: ["gate.signature", "gate.lineage"]) { world in
      world.next().sealed { manifest in
        manifest.files.append(Manifest.File(name: "modeling.py", bytes: Array("import os".utf8)))
        manifest.id = Hexadecimal.text(manifest.contentHash)
      }
    },
  ]

  /// Honest weights of which the second tensor's place is moved, with its end and all that follow.
  private static func relocated(_ world: CorpusWorld, shift: Int) -> [UInt8] {
    let factors = world.shape.factors(seed: 7).flatMap { it in
      [
        SafetensorsText.Entry("base_model.model.\(it.module.name).lora_A.weight", [world.shape.rank, it.module.inputs], it.a),
        SafetensorsText.Entry("base_model.model.\(it.module.name).lora_B.weight", [it.module.outputs, world.shape.rank], it.b),
      ]
    }
    var members: [String] = [], offset = 0
    for (index, entry) in factors.enumerated() {
      if index == 1 { offset += shift }
      members.append(SafetensorsText.member(entry, from: offset, to: offset + entry.bytes.count))
      offset += entry.bytes.count
    }
    let data = factors.flatMap(\.bytes)
    return SafetensorsText.file(header: "{\(members.joined(separator: ","))}", data: shift < 0 ? Array(data.dropLast(-shift)) : data + Array(repeating: 0, count: shift))
  }

  private static func spoiled(_ world: CorpusWorld, _ value: Float) -> [UInt8] {
    var factors = world.shape.factors(seed: 7)
    factors[factors.count - 1].b[5] = value
    return world.shape.weights(factors)
  }
}

extension String {
  func replacingFirst(_ text: String, with other: String) -> String {
    guard let range = firstRange(of: text) else { preconditionFailure("\(text) is not there") }
    return String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
  }
}
