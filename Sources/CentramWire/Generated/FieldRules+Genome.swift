// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family genome.
// swift-format-ignore-file

extension FieldRules {
  static func genome(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireGenomeSummary.self)] = .init("GenomeSummary", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "base", .bytes, .length(32, 32)),
      .init(3, "author", .bytes, .length(32, 32)),
      .init(4, "author_sequence", .uint64, .integer(1, .max)),
      .init(5, "kind", .other, .any),
      .init(6, "generation", .uint32, .integer(0, 65535)),
      .init(7, "domain", .bytes, .length(0, 128)),
      .init(8, "size", .uint64, .integer(0, 1099511627776)),
      .init(9, "made_ms", .uint64, .integer(1, .max)),
      .init(10, "license", .bytes, .length(0, 128)),
      .init(11, "claimed_lift", .double, .finite),
      .init(12, "rank", .uint32, .integer(0, 65535)),
    ])
    table[ObjectIdentifier(WireGenomeOffer.self)] = .init("GenomeOffer", [
      .init(1, "genomes", .message(ObjectIdentifier(WireGenomeSummary.self)), .items(1, 256), repeated: true),
      .init(2, "more", .other, .any),
    ])
    table[ObjectIdentifier(WireGenomeWant.self)] = .init("GenomeWant", [
      .init(1, "genomes", .bytes, .items(1, 256, length: 32, 32), repeated: true),
      .init(2, "manifests_only", .other, .any),
      .init(3, "maximum_chunk", .uint32, .integer(0, 1048576)),
    ])
    table[ObjectIdentifier(WireGenomeDecline.self)] = .init("GenomeDecline", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "reason", .other, .any),
      .init(3, "message", .bytes, .length(0, 512)),
      .init(4, "retry_after_ms", .uint32, .integer(0, 604800000)),
    ])
    table[ObjectIdentifier(WireGenomeFile.self)] = .init("GenomeFile", [
      .init(1, "name", .bytes, .length(1, 128)),
      .init(2, "size", .uint64, .integer(0, 1099511627776)),
      .init(3, "digest", .bytes, .length(32, 32)),
      .init(4, "chunk_size", .uint32, .integer(1, 1048576)),
      .init(5, "chunks", .bytes, .items(0, 8192, length: 32, 32), repeated: true),
    ])
    table[ObjectIdentifier(WireGenomeManifest.self)] = .init("GenomeManifest", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "manifest", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(3, "files", .message(ObjectIdentifier(WireGenomeFile.self)), .items(0, 16), repeated: true),
    ])
    table[ObjectIdentifier(WireChunkRange.self)] = .init("ChunkRange", [
      .init(1, "file", .uint32, .integer(0, 15)),
      .init(2, "first", .uint32, .integer(0, 1048575)),
      .init(3, "count", .uint32, .integer(1, 8192)),
    ])
    table[ObjectIdentifier(WireChunkRequest.self)] = .init("ChunkRequest", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "ranges", .message(ObjectIdentifier(WireChunkRange.self)), .items(1, 256), repeated: true),
      .init(3, "priority", .uint32, .integer(0, 255)),
    ])
    table[ObjectIdentifier(WireChunk.self)] = .init("Chunk", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "file", .uint32, .integer(0, 15)),
      .init(3, "index", .uint32, .integer(0, 1048575)),
      .init(4, "length", .uint32, .integer(1, 1048576)),
    ])
    table[ObjectIdentifier(WireChunkMissing.self)] = .init("ChunkMissing", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "ranges", .message(ObjectIdentifier(WireChunkRange.self)), .items(1, 256), repeated: true),
      .init(3, "permanent", .other, .any),
      .init(4, "message", .bytes, .length(0, 512)),
    ])
    table[ObjectIdentifier(WireTransferComplete.self)] = .init("TransferComplete", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "bytes_received", .uint64, .any),
      .init(3, "chunks_received", .uint32, .integer(0, 1048576)),
      .init(4, "elapsed_ms", .uint32, .integer(0, 604800000)),
    ])
    table[ObjectIdentifier(WireTransferAbort.self)] = .init("TransferAbort", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "reason", .other, .any),
      .init(3, "message", .bytes, .length(0, 512)),
      .init(4, "resumable", .other, .any),
      .init(5, "bytes_received", .uint64, .any),
      .init(6, "bad_chunk", .message(ObjectIdentifier(WireChunkRange.self)), .any),
    ])
    table[ObjectIdentifier(WireGenomeAccepted.self)] = .init("GenomeAccepted", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "verdict", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(3, "weight_bps", .uint32, .integer(0, 10000)),
      .init(4, "shadow", .other, .any),
    ])
    table[ObjectIdentifier(WireGenomeRejected.self)] = .init("GenomeRejected", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "verdict", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(3, "layer", .bytes, .length(1, 128)),
      .init(4, "layer_version", .bytes, .length(1, 64)),
      .init(5, "message", .bytes, .length(0, 1024)),
      .init(6, "quarantined", .other, .any),
      .init(7, "retry_after_ms", .uint32, .integer(0, 604800000)),
    ])
    table[ObjectIdentifier(WireRevocationRecord.self)] = .init("RevocationRecord", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "author", .bytes, .length(32, 32)),
      .init(3, "reason", .other, .any),
      .init(4, "made_ms", .uint64, .integer(1, .max)),
      .init(5, "replacement", .bytes, .lengthOrNone(32, 32)),
      .init(6, "message", .bytes, .length(0, 1024)),
    ])
    table[ObjectIdentifier(WireGenomeRevoked.self)] = .init("GenomeRevoked", [
      .init(1, "revocation", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(2, "descendants", .bytes, .items(0, 256, length: 32, 32), repeated: true),
      .init(3, "hops", .uint32, .integer(0, 8)),
    ])
  }
}
