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
    manifestBytes = try OpenFile.read(path + "/plugin.json", limit: PluginManifest.sizeLimit, isOwn: true)
    let signaturePath = path + "/plugin.json.sig"
    if OpenFile.isThere(signaturePath) { signature = try OpenFile.read(signaturePath, limit: 4096, isOwn: true) }
    return .passed
  }

  mutating func verifySignature() throws(HostError) -> CheckResult.Outcome {
    publisher = nil
    let names = policy.publishers.isEmpty ? "nobody" : policy.publishers.map(\.name).joined(separator: ", ")
    if !isBare { try requireNotRevoked(manifestBytes.withUnsafeBytes(PluginSignature.sha256), "plugin.json") }
    guard !isBare, let signature else {
      guard policy.untrusted != .refuse else {
        throw HostError(
          .signature,
          "there is no plugin.json.sig, and this host takes signed plugins only (trusted: \(names)); "
            + "ask its publisher for one, or set plugins.untrusted to isolate or allow")
      }
      return isBare ? Self.bare : .skipped("unsigned, which this host's policy takes")
    }
    guard signature.count == 64 else { throw HostError(.signature, "plugin.json.sig has \(signature.count) bytes; an Ed25519 signature has 64") }
    func isSigner(_ key: [UInt8]) -> Bool { PluginSignature.isValid(signature, of: manifestBytes, key: key) }
    let trusted = policy.publishers.first { isSigner($0.key) }
    if let key = trusted?.key ?? policy.revokedKeys.keys.first(where: isSigner), let revocation = policy.revokedKeys[key] {
      throw HostError(.revoked, "the key that signed it \(revocation.sentence)")
    }
    publisher = trusted
    guard publisher != nil else {
      throw HostError(
        .signature,
        "plugin.json.sig is not the signature of a trusted publisher (\(names)) over these bytes; "
          + "either plugin.json was changed, or its publisher is to be trusted first: centram-host plugin trust")
    }
    return .passed
  }

  func requireNotRevoked(_ hash: String, _ what: String) throws(HostError) {
    if let revocation = policy.revokedHashes[hash] { throw HostError(.revoked, "\(what) with SHA-256 \(hash) \(revocation.sentence)") }
  }

  mutating func parseManifest() throws(HostError) -> CheckResult.Outcome {
    if isBare { return Self.bare }
    manifest = try PluginManifest.decode(manifestBytes)
    return .passed
  }

  mutating func checkRights() throws(HostError) -> CheckResult.Outcome {
    placement = .inProcess
    guard let manifest else { return Self.bare }
    try requireNotRevoked(manifest.sha256, manifest.library)
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
    if publisher == nil, let owner = policy.publishers.first(where: { $0.owns(manifest.id) }) {
      throw HostError(.rights, "the id \(manifest.id) is \(owner.name)'s, which did not sign this plugin; give it an id of its own, or sign it")
    }
    if let demand = demandForIsolation {
      placement = .isolated
      guard isolation != nil else {
        throw HostError(.rights, "\(manifest.id) must run in a process of its own (\(demand)), and this host was set up without one")
      }
    }
    return publisher == nil ? .skipped("no publisher signed it, so none has rights to check") : .passed
  }

  /// Why a policy would refuse what was read here; nil where it would not.
  func refusal(under policy: TrustPolicy) -> HostError? {
    var copy = self
    copy.policy = policy
    do throws(HostError) {
      _ = try copy.verifySignature()
      _ = try copy.checkRights()
      if isBare, !policy.revokedHashes.isEmpty, let library { try copy.requireNotRevoked(PluginSignature.sha256(library.bytes), library.name) }
    } catch { return error }
    return copy.placement == .isolated && placement == .inProcess ? HostError(.rights, "it runs in this process, and is to be isolated now: restart needed") : nil
  }

  /// Ends what runs of the plugin, as far as it can be ended; nil lets it go on.
  func withdraw(_ reason: String?) { if let isolated { isolated.withdraw(reason) } else { withdrawal.set(reason) } }

  /// Who says that the plugin may not run in this process; nil: nobody does.
  private var demandForIsolation: String? {
    if manifest?.isIsolated == true { return "plugin.json says so" }
    if let publisher { return publisher.mustIsolate ? "the entry of its publisher \(publisher.name) says so" : nil }
    return policy.untrusted == .isolate ? "no trusted publisher signed it, and plugins.untrusted is isolate" : nil
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
