internal import CentramGateSupport
internal import CentramGenome
public import CentramPluginAPI

/// The author's Ed25519 signature over the manifest's bytes, and through it over everything the manifest names: the files by their hashes,
/// the base, the parents, the place in the log, the time and the privacy record.
struct Signature: GateLayer {
  static let id: StaticString = "gate.signature", version: StaticString = "1.0.0"
  let services: any HostServices
  let info = GateLayerInfo(position: 2, directions: [.inbound, .outbound])

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    _ = try LayerPolicy("gate.signature", json: candidate.policyJSON, info.parameters)
    let authors = try services.required("centram.authors/1", for: "gate.signature", as: (any AuthorService).self)
    let manifest = try candidate.openedManifest()
    guard ManifestSignature.holds(candidate.manifestSignature, of: candidate.manifest, by: Hexadecimal.bytes(manifest.author) ?? []) else {
      return Self.refusal("the signature is not that of \(short(manifest.author)) over this manifest with the domain centram/genome/1", of: "signature", manifest)
    }
    if let difference = Self.difference(manifest, candidate) { return Self.refusal(difference, of: "files", manifest) }
    if let reason = try await authors.standing(ofAuthor: manifest.author).revocation {
      return Self.refusal("the key \(short(manifest.author)) was revoked: \(reason)", of: "key", manifest)
    }
    var findings = Findings()
    findings.add("author", manifest.author)
    findings.add("content", manifest.id)
    findings.add("base", manifest.base)
    findings.add("parents", manifest.parents.count)
    findings.add("sequence", manifest.sequence)
    findings.add("made", manifest.madeMilliseconds)
    findings.add("privacy", manifest.privacy == nil ? "no record" : "record signed")
    return findings.verdict(.accept)
  }

  /// - Parameter part: what does not hold.
  private static func refusal(_ reason: String, of part: String, _ manifest: Manifest) -> Verdict {
    Verdict(.reject(reason: reason), evidence: [.init("failed", part), .init("author", manifest.author), .init("content", manifest.id)])
  }

  /// A sentence where the files are not those that were signed. The node's own hash of the content covers names, sizes and bytes of all files,
  /// so where it is the manifest's, no file needs to be hashed again.
  private static func difference(_ manifest: Manifest, _ candidate: GenomeCandidate) -> String? {
    let isContent = manifest.contentHash == candidate.contentHash
    for file in manifest.files {
      guard let difference = candidate.withFile(file.name, of: manifest.kind, { isContent ? Self.chunkDifference($0, from: file) : Self.difference($0, from: file) })
      else { return "the manifest signs \(file.name), which is not there" }
      if let difference { return difference }
    }
    return isContent ? nil : "the content \(short(Hexadecimal.text(candidate.contentHash))) is not what was signed, \(short(Hexadecimal.text(manifest.contentHash)))"
  }

  private static func difference(_ bytes: UnsafeRawBufferPointer, from file: Manifest.File) -> String? {
    guard Int64(bytes.count) == file.size else { return "\(file.name) has \(bytes.count) bytes, \(file.size) were signed" }
    let hash = Hexadecimal.text(SHA256.digest(of: bytes))
    return hash == file.sha256 ? nil : "\(file.name) has the SHA-256 \(short(hash)), \(short(file.sha256)) was signed"
  }

  private static func chunkDifference(_ bytes: UnsafeRawBufferPointer, from file: Manifest.File) -> String? {
    // One chunk is the file.
    let isOne = !bytes.isEmpty && bytes.count <= file.chunkSize
    let hashes = isOne ? [Hexadecimal.bytes(file.sha256) ?? []] : ChunkHashes.of(bytes, size: file.chunkSize)
    return Hexadecimal.text(ChunkHashes.joined(hashes)) == file.chunks ? nil : "the chunks of \(file.name) have other hashes than were signed"
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: Signature.id, version: Signature.version, kind: CENTRAM_KIND_GATE_LAYER, summary: "The author's signature and what it binds"
) { pluginInterface($0, .gateLayer { environment in Signature(services: environment.services) }) }

@c(centram_plugin_descriptor__gate_signature) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
