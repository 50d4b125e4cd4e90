internal import Foundation

/// What an output was made from, by which operator and with which seed: `lineage.json`.
public struct MergeLineage: Sendable, Equatable {
  public struct File: Sendable, Equatable {
    public var name: String
    public var bytes: Int
    /// `sha256`, `xxh3-128`, …
    public var algorithm: String
    /// Hexadecimal.
    public var hash: String

    public init(name: String, bytes: Int, algorithm: String, hash: String) {
      (self.name, self.bytes, self.algorithm, self.hash) = (name, bytes, algorithm, hash)
    }
  }

  public struct Input: Sendable, Equatable {
    /// As the configuration writes it.
    public var reference: String
    /// The folder's own name; where it lies on this machine is nobody else's business.
    public let folderName: String
    public var files: [File]

    public init(reference: String, folder: String, files: [File]) {
      (self.reference, self.files) = (reference, files)
      folderName = URL(fileURLWithPath: folder).lastPathComponent
    }
  }

  public var inputs: [Input]
  public var operatorID: String
  public var operatorVersion: String
  public var seed: UInt64
  public var centramVersion: String

  public init(inputs: [Input], operatorID: String, operatorVersion: String, seed: UInt64, centramVersion: String) {
    (self.inputs, self.operatorID, self.operatorVersion) = (inputs, operatorID, operatorVersion)
    (self.seed, self.centramVersion) = (seed, centramVersion)
  }

  /// The file's content.
  /// - Parameter outputs: the files written beside it.
  func json(outputs: [(name: String, bytes: Int)]) -> OrderedJSON {
    .object([
      "version": .integer(1),
      "centram_version": .string(centramVersion),
      "operator": .object(["id": .string(operatorID), "version": .string(operatorVersion)]),
      "seed": .integer(seed),
      "inputs": .array(
        inputs.map { input in
          .object([
            "reference": .string(input.reference),
            "path": .string(input.folderName),
            "files": .array(
              input.files.map {
                .object([
                  "name": .string($0.name), "bytes": .integer($0.bytes), "hash_algorithm": .string($0.algorithm), "hash": .string($0.hash),
                ])
              }),
          ])
        }),
      "outputs": .array(outputs.map { .object(["name": .string($0.name), "bytes": .integer($0.bytes)]) }),
    ])
  }
}
