// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family genome.
// swift-format-ignore-file

extension FieldRules {
  static func genome(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireGenomeSummary.self)] = .init("GenomeSummary", [
      .init(1, "genome", .length(32, 32)),
      .init(2, "base", .length(32, 32)),
      .init(3, "author", .length(32, 32)),
      .init(4, "author_sequence", .integer(1, .max)),
      .init(6, "generation", .integer(0, 65535)),
      .init(7, "domain", .length(0, 128)),
      .init(8, "size", .integer(0, 1099511627776)),
      .init(9, "made_ms", .integer(1, .max)),
      .init(10, "license", .length(0, 128)),
      .init(11, "claimed_lift", .finite),
      .init(12, "rank", .integer(0, 65535)),
    ])
    table[ObjectIdentifier(WireGenomeOffer.self)] = .init("GenomeOffer", [
      .init(1, "genomes", .items(1, 256)),
    ])
    table[ObjectIdentifier(WireGenomeWant.self)] = .init("GenomeWant", [
      .init(1, "genomes", .items(1, 256, length: 32, 32)),
      .init(3, "maximum_chunk", .integer(0, 1048576)),
    ])
    table[ObjectIdentifier(WireGenomeDecline.self)] = .init("GenomeDecline", [
      .init(1, "genome", .length(32, 32)),
      .init(3, "message", .length(0, 512)),
      .init(4, "retry_after_ms", .integer(0, 604800000)),
    ])
    table[ObjectIdentifier(WireGenomeFile.self)] = .init("GenomeFile", [
      .init(1, "name", .length(1, 128)),
      .init(2, "size", .integer(0, 1099511627776)),
      .init(3, "digest", .length(32, 32)),
      .init(4, "chunk_size", .integer(1, 1048576)),
      .init(5, "chunks", .items(0, 8192, length: 32, 32)),
    ])
    table[ObjectIdentifier(WireGenomeManifest.self)] = .init("GenomeManifest", [
      .init(1, "genome", .length(32, 32)),
      .init(2, "manifest", .required),
      .init(3, "files", .items(0, 16)),
    ])
    table[ObjectIdentifier(WireChunkRange.self)] = .init("ChunkRange", [
      .init(1, "file", .integer(0, 15)),
      .init(2, "first", .integer(0, 1048575)),
      .init(3, "count", .integer(1, 8192)),
    ])
    table[ObjectIdentifier(WireChunkRequest.self)] = .init("ChunkRequest", [
      .init(1, "genome", .length(32, 32)),
      .init(2, "ranges", .items(1, 256)),
      .init(3, "priority", .integer(0, 255)),
    ])
    table[ObjectIdentifier(WireChunk.self)] = .init("Chunk", [
      .init(1, "genome", .length(32, 32)),
      .init(2, "file", .integer(0, 15)),
      .init(3, "index", .integer(0, 1048575)),
      .init(4, "data", .length(1, 1048576)),
    ])
    table[ObjectIdentifier(WireChunkMissing.self)] = .init("ChunkMissing", [
      .init(1, "genome", .length(32, 32)),
      .init(2, "ranges", .items(1, 256)),
      .init(4, "message", .length(0, 512)),
    ])
    table[ObjectIdentifier(WireTransferComplete.self)] = .init("TransferComplete", [
      .init(1, "genome", .length(32, 32)),
      .init(3, "chunks_received", .integer(0, 1048576)),
      .init(4, "elapsed_ms", .integer(0, 604800000)),
    ])
    table[ObjectIdentifier(WireTransferAbort.self)] = .init("TransferAbort", [
      .init(1, "genome", .length(32, 32)),
      .init(3, "message", .length(0, 512)),
    ])
    table[ObjectIdentifier(WireGenomeAccepted.self)] = .init("GenomeAccepted", [
      .init(1, "genome", .length(32, 32)),
      .init(2, "verdict", .required),
      .init(3, "weight_bps", .integer(0, 10000)),
    ])
    table[ObjectIdentifier(WireGenomeRejected.self)] = .init("GenomeRejected", [
      .init(1, "genome", .length(32, 32)),
      .init(2, "verdict", .required),
      .init(3, "layer", .length(1, 128)),
      .init(4, "layer_version", .length(1, 64)),
      .init(5, "message", .length(0, 1024)),
      .init(7, "retry_after_ms", .integer(0, 604800000)),
    ])
    table[ObjectIdentifier(WireRevocationRecord.self)] = .init("RevocationRecord", [
      .init(1, "genome", .length(32, 32)),
      .init(2, "author", .length(32, 32)),
      .init(4, "made_ms", .integer(1, .max)),
      .init(5, "replacement", .lengthOrNone(32, 32)),
      .init(6, "message", .length(0, 1024)),
    ])
    table[ObjectIdentifier(WireGenomeRevoked.self)] = .init("GenomeRevoked", [
      .init(1, "revocation", .required),
      .init(2, "descendants", .items(0, 256, length: 32, 32)),
      .init(3, "hops", .integer(0, 8)),
    ])
  }
}
