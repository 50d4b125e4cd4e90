internal import CentramPluginAPI

/// The checks of the folder and of what `plugin.json` says; nothing of the library is read.
extension Inspection {
  private static let bare = CheckResult.Outcome.skipped("a bare library has no plugin.json")

  mutating func readFolder() throws(HostError) -> CheckResult.Outcome {
    guard OpenFile.exists(path) else { throw HostError(.folder, "\(path): \(systemError())") }
    if isBare {
      guard policy.allowUnpackaged else {
        throw HostError(.folder, "\(path) is a bare library, and this host takes none; pack it with: centram-host plugin pack \(path)")
      }
      return .skipped("a bare library, taken from the executable's own folder for development")
    }
    manifestBytes = try OpenFile.read(path + "/plugin.json", limit: PluginManifest.sizeLimit)
    let signaturePath = path + "/plugin.json.sig"
    if OpenFile.exists(signaturePath) { signature = try OpenFile.read(signaturePath, limit: 4096) }
    return .passed
  }

  mutating func verifySignature() throws(HostError) -> CheckResult.Outcome {
    let names = policy.publishers.map(\.name).joined(separator: ", ")
    guard !isBare, let signature else {
      guard !policy.requireSignature else {
        throw HostError(
          .signature,
          "there is no plugin.json.sig, and this host takes signed plugins only (trusted: \(names.isEmpty ? "nobody" : names)); "
            + "ask its publisher for one, or set plugins.requireSignature to false")
      }
      return isBare ? Self.bare : .skipped("unsigned, which this host's policy allows")
    }
    guard signature.count == 64 else { throw HostError(.signature, "plugin.json.sig has \(signature.count) bytes; an Ed25519 signature has 64") }
    publisher = policy.publishers.first { PluginSignature.isValid(signature, of: manifestBytes, key: $0.key) }
    guard publisher != nil else {
      throw HostError(
        .signature,
        "plugin.json.sig is not the signature of a trusted publisher (\(names.isEmpty ? "none is trusted" : names)) over these bytes; "
          + "either plugin.json was changed, or its publisher is not among plugins.publishers in the configuration")
    }
    return .passed
  }

  mutating func parseManifest() throws(HostError) -> CheckResult.Outcome {
    if isBare { return Self.bare }
    manifest = try PluginManifest.decode(manifestBytes)
    return .passed
  }

  func checkRights() throws(HostError) -> CheckResult.Outcome {
    guard let manifest else { return Self.bare }
    if let publisher {
      guard manifest.publisher == nil || manifest.publisher == publisher.name else {
        throw HostError(.rights, "plugin.json names the publisher \(manifest.publisher ?? ""), but \(publisher.name) signed it")
      }
      guard publisher.mayPublish(manifest.id) else {
        throw HostError(.rights, "\(publisher.name) may not publish the id \(manifest.id), only \(publisher.ids.joined(separator: ", "))")
      }
      guard publisher.kinds.isEmpty || publisher.kinds.contains(manifest.kind) else {
        let kinds = publisher.kinds.map(\.rawValue).sorted().joined(separator: ", ")
        throw HostError(.rights, "\(publisher.name) may not publish the kind \(manifest.kind), only \(kinds)")
      }
    }
    guard !manifest.isIsolated, publisher?.mustIsolate != true else {
      throw HostError(
        .rights,
        "\(manifest.id) must run in a process of its own (\(manifest.isIsolated ? "plugin.json" : "its publisher's entry") says so), "
          + "and that is not available yet in this host")
    }
    return publisher == nil ? .skipped("no publisher signed it, so none has rights to check") : .passed
  }

  func checkRanges() throws(HostError) -> CheckResult.Outcome {
    guard let manifest else { return Self.bare }
    guard manifest.cRange.contains(HostAPI.c) else {
      throw HostError(.api, "it takes C ABI \(manifest.cRange), this host has \(HostAPI.c)")
    }
    if manifest.lanes.contains(.swift), let range = manifest.swiftRange, !range.contains(HostAPI.swift) {
      throw HostError(.api, "it takes Swift API \(range), this host has \(HostAPI.swift)")
    }
    return .passed
  }
}
