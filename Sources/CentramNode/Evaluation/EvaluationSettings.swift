/// On what a node measures: texts by domain, and how they are cut and used.
public struct EvaluationSettings: Sendable, Equatable {
  /// The base model: a name of the model store, or a path.
  public var model: String?
  /// A domain's text: a file, or a folder of files. Text that this node trains on does not belong here.
  public var domains: [String: String] = [:]
  /// Of each domain in the hold-out.
  public var sequences = 48
  /// Tokens of a sequence; a shorter context counts.
  public var length = 128
  /// Judgements after which a quarter of the hold-out is replaced.
  public var tests = 50
  /// Of each domain, sequences of the hold-out on which divergences are measured.
  public var references = 12
  /// A file of canaries.
  public var canaries: String?
  /// Nil: as many as the machine has cores.
  public var threads: Int?

  public init() {}

  public static let sequenceRange = 48...4096, lengthRange = 16...65_536, testRange = 1...1_000_000, referenceRange = 1...4096
  /// Bytes of a domain's text that are read; more says nothing new of 48 sequences.
  public static let maximumText = 4 << 20
}
