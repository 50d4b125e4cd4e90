/// How much a document's merge will do.
public struct MergeForecast: Sendable, Encodable {
  public var name: String?
  /// `merge.ties 1.0.0`.
  public var operation: String
  public var models: [String]
  public var tensorsMerged: Int, tensorsCopied: Int
  public var layers: Int
  public var elements: Int
  public var bytesIn: Int, bytesOut: Int
  public var warnings: [String]

  /// A guess from the bytes that go in and out, at a speed that two cores of 2021 and a page cache reach with one-pass
  /// operators; iterating ones take a few times as long.
  public var estimatedSeconds: Double { Double(bytesIn + bytesOut) / 2e9 }
}

/// What a merge did.
public struct MergeReport: Sendable, Encodable {
  public var output: String
  public var documents: [MergeForecast] = []
  public var bytesOut = 0
  public var seconds = 0.0

  init(output: String) { self.output = output }

  mutating func add(_ forecast: MergeForecast) {
    documents.append(forecast)
    bytesOut += forecast.bytesOut
  }
}
